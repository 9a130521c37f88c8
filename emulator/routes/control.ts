import * as z from 'zod';
import type { Limits } from '../../contract/limits.ts';
import { OPERATION_IDS } from '../../contract/operation-routes.ts';
import { ApiError, invalid } from '../api-error.ts';
import { DocumentError } from '../bad-input.ts';
import { billingOf } from '../billing/billing.ts';
import { MAX_LEDGERS } from '../billing/ledger.ts';
import { renderSpend } from '../billing/spend.ts';
import { unixSeconds } from '../clock.ts';
import { FaultError, type FaultSpec } from '../faults/fault-spec.ts';
import { type RequestContext, Routes } from '../http/context.ts';
import { parseFields, readBody, readJson, readValue, requireJsonType } from '../http/request-body.ts';
import { respond, respondInSlices, sendJsonParts } from '../http/respond.ts';
import { exportJournal } from '../journal/journal-file.ts';
import { StateError } from '../state/state-file.ts';
import { VERSION } from '../version.ts';

const MS = 1_000;
/** A hundred full windows of English are some 150 MB. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

const nothing = z.strictObject({});
const whole = z.coerce.number().pipe(z.int().min(0));
const clockAdvance = z.strictObject({ advance: z.number().min(0) });
const exportQuery = z.strictObject({ session: z.string().min(1).exactOptional() });
const importQuery = z.strictObject({ key: z.string().min(1).exactOptional() });
const journalQuery = z.strictObject({
  session: z.string().optional(),
  status: z
    .string()
    .regex(/^(?:\d{3}|[1-5]xx|open)$/i, 'takes a status such as 400, a class such as 4xx, or open')
    .optional(),
  operation: z.enum(OPERATION_IDS, `takes one of ${OPERATION_IDS.join(', ')}`).optional(),
  key: z.string().optional(),
  since: whole.optional(),
  limit: whole.pipe(z.int().min(1)).optional(),
});
const spendQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,9}$/, 'takes a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_LEDGERS))
    .exactOptional(),
});

/** The emulator's own routes, below `/_emulator`. @param isGateway whether another server answers, so that no script does */
export function controlRoutes(isGateway: boolean) {
  const routes = new Routes();

  routes.get('/clock', respondNow);
  routes.post('/clock', async (c) => {
    const { advance } = await readJson(c, clockAdvance);
    try {
      c.var.services.clock.advance(advance * MS);
    } catch {
      throw invalid('advance: leads beyond the end of time', 'advance');
    }
    return respondNow(c);
  });

  routes.post('/reset', async (c) => {
    await readJson(c, nothing);
    c.var.services.state.reset();
    return respond(c, { body: { reset: true } });
  });

  routes.post('/baseline', async (c) => {
    await readJson(c, nothing);
    c.var.services.state.saveBaseline();
    return respond(c, { body: { kept: true } });
  });

  routes.get('/export', async (c) => {
    const wanted = parseFields(c, exportQuery, c.req.query());
    const parts = await c.var.services.state.exportParts(wanted).catch(refuseState);
    return sendJsonParts(
      c,
      parts,
      parts.reduce((sum, { length }) => sum + length, 0),
    );
  });

  routes.post('/import', async (c) => {
    const where = parseFields(c, importQuery, c.req.query());
    requireJsonType(c);
    const check = (size: number): void => {
      if (size > MAX_FILE_BYTES) throw new ApiError('body_too_large', { size, limit: MAX_FILE_BYTES });
    };
    check(Number(c.req.header('content-length') ?? 0));
    const bytes = await readBody(c, check);
    const body = await c.var.services.state.import(bytes, where).catch(refuseState);
    return respond(c, { status: 201, body });
  });

  routes.post('/faults', async (c) => {
    const spec = (await readValue(c)) as FaultSpec;
    const { faults } = c.var.services;
    try {
      const { id } = faults.add(spec);
      return respond(c, { body: faults.list().find((fault) => fault.id === id) ?? {}, status: 201 });
    } catch (error) {
      if (error instanceof FaultError) throw invalid(error.message);
      throw error;
    }
  });

  routes.get('/faults', (c) => respond(c, { body: { object: 'list', data: c.var.services.faults.list() } }));

  routes.delete('/faults', (c) => {
    c.var.services.faults.clear();
    return respond(c, { body: { deleted: true } });
  });

  routes.delete('/faults/:id', (c) => {
    const id = c.req.param('id');
    if (c.var.services.faults.remove(id)) return respond(c, { body: { id, deleted: true } });
    throw new ApiError('message_not_found', { fault: id });
  });

  // Oldest first; the same as a file that `kimi-emulator doctor` reads.
  routes.get('/journal', async (c) =>
    respondInSlices(c, await exportJournal(c.var.services, parseFields(c, journalQuery, c.req.query()))),
  );

  routes.delete('/journal', (c) => {
    c.var.services.journal.clear();
    return respond(c, { body: { cleared: true } });
  });

  // What the requests of all accounts cost, and would have cost without sessions; `lines` shows the arithmetic.
  routes.get('/spend', (c) => {
    const spend = billingOf(c.var.services).spend(undefined, parseFields(c, spendQuery, c.req.query()));
    return respond(c, { body: { ...spend, lines: renderSpend(spend) } });
  });

  addScriptRoutes(routes, isGateway);
  return routes;
}

/** Rules that answer before the model does. */
function addScriptRoutes(routes: Routes, isGateway: boolean): void {
  routes.get('/script', respondScript);

  // A script that is refused leaves the one before it at work.
  routes.put('/script', async (c) => {
    const script = await readValue(c);
    if (isGateway) throw invalid('a gateway has the answers of its upstream, and takes no script');
    await c.var.services.model.loadValue(script).catch((error) => {
      throw error instanceof DocumentError ? invalid(error.message) : error;
    });
    return respondScript(c);
  });

  routes.delete('/script', async (c) => {
    await c.var.services.model.load([]);
    return respond(c, { body: { deleted: true } });
  });
}

async function respondScript(c: RequestContext): Promise<Response> {
  const { model } = c.var.services;
  const { strict, rules } = await model.script();
  return respond(c, { body: { object: 'script', strict, rules, unused: model.unused() } });
}

function respondNow(c: RequestContext): Response {
  return respond(c, { body: { now: unixSeconds(c.var.services.clock) } });
}

function refuseState(error: unknown): never {
  if (error instanceof StateError) throw invalid(error.message);
  throw error;
}

/** The contract as an OpenAPI document, made when it is first asked for. */
export function openApiRoutes(limits: Limits) {
  const routes = new Routes();
  let document: object | undefined;
  routes.get('/', async (c) => {
    document ??= (await import('../../contract/openapi.ts')).openApi(limits, VERSION);
    return respond(c, { body: document });
  });
  return routes;
}
