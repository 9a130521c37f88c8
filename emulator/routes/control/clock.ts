import { Hono } from 'hono';
import * as z from 'zod';
import { unixSeconds } from '../../clock.ts';
import { invalid } from '../../errors.ts';
import type { Env, RequestContext } from '../../middleware/context.ts';
import { readJson } from '../../middleware/request-body.ts';
import { respond } from '../respond.ts';

const MS = 1_000;

const advance = z.strictObject({ advance: z.number().min(0) });

/** The emulator's time: read, and moved on. */
export function clockRoutes() {
  const routes = new Hono<Env>();
  routes.get('/clock', now);
  routes.post('/clock', async (c) => {
    const { advance: seconds } = await readJson(c, advance);
    try {
      c.get('services').clock.advance(seconds * MS);
    } catch {
      throw invalid('advance: leads beyond the end of time', 'advance');
    }
    return now(c);
  });
  return routes;
}

function now(c: RequestContext): Response {
  return respond(c, { body: { now: unixSeconds(c.get('services').clock) } });
}
