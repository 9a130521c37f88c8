import { Hono } from 'hono';
import * as z from 'zod';
import { ApiError, invalid } from '../../errors.ts';
import { readBody } from '../../middleware/body-parts.ts';
import type { Env } from '../../middleware/context.ts';
import { parseFields, readJson, requireJsonType } from '../../middleware/request-body.ts';
import { sendJsonParts } from '../../middleware/send.ts';
import { StateError } from '../../state/state-file.ts';
import { respond } from '../respond.ts';

/** A hundred full windows of English are some 150 MB. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

const nothing = z.strictObject({});
const which = z.strictObject({ session: z.string().min(1).exactOptional() });
const whose = z.strictObject({ key: z.string().min(1).exactOptional() });

/** The state as a whole: reset, kept, exported and imported. */
export function stateRoutes() {
  const routes = new Hono<Env>();

  routes.post('/reset', async (c) => {
    await readJson(c, nothing);
    c.get('services').state.reset();
    return respond(c, { body: { reset: true } });
  });

  routes.post('/baseline', async (c) => {
    await readJson(c, nothing);
    c.get('services').state.saveBaseline();
    return respond(c, { body: { kept: true } });
  });

  routes.get('/export', async (c) => {
    const asked = parseFields(c, which, c.req.query());
    return sendJsonParts(c, await c.get('services').state.exportParts(asked).catch(refuse));
  });

  routes.post('/import', async (c) => {
    const where = parseFields(c, whose, c.req.query());
    requireJsonType(c);
    const bytes = await readBody(c, (size) => {
      if (size > MAX_FILE_BYTES) {
        throw new ApiError('body_too_large', { size, limit: MAX_FILE_BYTES });
      }
    });
    const body = await c.get('services').state.import(bytes, where).catch(refuse);
    return respond(c, { status: 201, body });
  });

  return routes;
}

function refuse(error: unknown): never {
  if (error instanceof StateError) throw invalid(error.message);
  throw error;
}
