import type { Limits } from '../../contract/limits.ts';
import { listQuery } from '../../contract/lists.ts';
import { sessionRequests } from '../../contract/sessions.ts';
import { invalid } from '../api-error.ts';
import { type RequestContext, Routes } from '../http/context.ts';
import { modelOf, parseFields, readJson, readMediaValue } from '../http/request-body.ts';
import { respond, respondInSlices, respondWritten, toList } from '../http/respond.ts';
import { mutate, pathSession } from '../mutation.ts';
import { applyCompression, compressedFacts, planCompression, type SummaryWriter } from '../sessions/compress.ts';
import { createSession, deleteSession, updateSession } from '../sessions/create.ts';
import { requireSession, toSession } from '../sessions/session.ts';
import { fork, requireShared, rollback, rolledBackFacts } from '../sessions/snapshots.ts';
import { cutFacts, prepareCuts, truncate } from '../sessions/truncate.ts';
import { countContent, historyOf, requireContent, requireTools, requireToolsInPlace } from '../sessions/write.ts';
import type { ChangeKind, PastChange } from '../store/past.ts';
import type { SessionRow } from '../store/sessions.ts';

/** @param newWriter where there is a model that can write summaries */
export function sessionRoutes(limits: Limits, newWriter?: (c: RequestContext) => SummaryWriter) {
  const requests = sessionRequests(limits);
  const page = listQuery(limits);
  const routes = new Routes();

  routes.post('/', async (c) => {
    const sent = await readMediaValue(c);
    const { snapshot_id, share_id, ...body } = parseFields(c, requests.create, sent);
    const { services, account } = c.var;
    if (snapshot_id !== undefined || share_id !== undefined) {
      const forked = await mutate(c, undefined, {
        prepare: prepareCuts(services),
        apply: (_, cuts) => {
          if (snapshot_id !== undefined) c.get('faults')?.requireSnapshot(snapshot_id);
          const session = fork(services, cuts, account, { ...body, snapshot_id, share_id });
          const restored = snapshot_id ?? requireShared(services, share_id ?? '').id;
          return {
            ...shown(toSession(services, session)),
            status: 201,
            history: { session: session.id, step: { restored } },
            past: { kind: 'forked', session, restored },
          };
        },
      });
      return respondWritten(c, forked);
    }
    const profile = modelOf(c, body.model ?? services.profiles.default);
    requireContent(body.messages ?? [], true);
    requireToolsInPlace(profile, sent);
    requireTools(profile, body.tools ?? [], body.messages);
    const created = await mutate(c, undefined, {
      prepare: async (mutation) => {
        const target = { model: body.model ?? services.profiles.default, media: c.var };
        const counted = await countContent(services, target, body.messages ?? [], body.tools);
        await mutation.storeBlobs(counted.write);
        return counted;
      },
      apply: (_, { write, tools = { tools: [], tokens: 0 } }) => {
        const session = createSession(services, account, body, tools, write);
        return {
          ...shown(toSession(services, session)),
          status: 201,
          newTokens: write.tokens + tools.tokens,
          history: {
            session: session.id,
            step: 'created',
            items: historyOf(services.profiles.of(session.model), write.items),
          },
          past: { kind: 'created', session },
        };
      },
    });
    return respondWritten(c, created);
  });

  routes.get('/', async (c) => {
    const { services, account } = c.var;
    const { after, order = 'desc', limit } = parseFields(c, page, c.req.query());
    const from = after === undefined ? undefined : requireSession(services, account, after, 'after').ord;
    const rows = services.store.sessions.page(account, from, order, limit + 1);
    return respondInSlices(
      c,
      toList(rows, limit, (row) => toSession(services, row)),
    );
  });

  routes.get('/:id', (c) => {
    const { services, account } = c.var;
    return respond(c, shown(toSession(services, requireSession(services, account, c.req.param('id')))));
  });

  routes.post('/:id', async (c) => {
    const body = await readJson(c, requests.update);
    const { services } = c.var;
    const answer = await mutate(c, pathSession(c), {
      prepare: (mutation) => {
        const session = mutation.load();
        requireTools(services.profiles.of(session.model).profile, body.tools ?? []);
        return countContent(services, { ...session, media: c.var }, [], body.tools);
      },
      apply: (session, { tools }) => {
        const next = updateSession(services, session, body, tools);
        return { ...shown(toSession(services, next)), ...(next !== session && changed('update', next)) };
      },
    });
    return respondWritten(c, answer);
  });

  routes.delete('/:id', async (c) => {
    const answer = await mutate(c, pathSession(c), {
      apply: (session) => {
        deleteSession(c.get('services'), session);
        return {
          body: { id: session.id, object: 'session.deleted', deleted: true },
          history: { session: session.id, step: 'deleted' },
        };
      },
    });
    return respondWritten(c, answer);
  });

  routes.post('/:id/truncate', async (c) => {
    const body = await readJson(c, requests.truncate);
    const { services } = c.var;
    const answer = await mutate(c, pathSession(c), {
      prepare: prepareCuts(services),
      apply: (session, cuts) => {
        const { result, session: next } = truncate(services, cuts, session, body);
        const done = next !== session && { effects: { cut: cutFacts(result, next) }, ...changed('truncate', next) };
        return { body: result, version: next.version, ...done };
      },
    });
    return respondWritten(c, answer);
  });

  routes.post('/:id/rollback', async (c) => {
    const body = await readJson(c, requests.rollback);
    const { services } = c.var;
    const answer = await mutate(c, pathSession(c), {
      prepare: prepareCuts(services),
      apply: (session, cuts) => {
        c.get('faults')?.requireSnapshot(body.snapshot_id);
        const next = rollback(services, cuts, session, body);
        return {
          ...shown(toSession(services, next)),
          effects: { rolled_back: rolledBackFacts(services, body.snapshot_id, next) },
          history: { session: session.id, step: { restored: body.snapshot_id } },
          past: { kind: 'rollback', session: next, restored: body.snapshot_id },
        };
      },
    });
    return respondWritten(c, answer);
  });

  routes.post('/:id/compress', async (c) => {
    const body = await readJson(c, requests.compress);
    const { services } = c.var;
    const writer = body.method === 'model' ? writerFor(c, body, newWriter) : undefined;
    const answer = await mutate(c, pathSession(c), {
      prepare: (mutation) => {
        const session = mutation.hold();
        return planCompression(services, session, body, writer?.summarise(session));
      },
      apply: (_, plan) => {
        if (plan.summary) c.get('faults')?.requireCompression();
        const { result, session } = applyCompression(services, plan);
        const { snapshot_id: snapshot } = result;
        return {
          body: writer?.hasWritten ? { ...result, format: 'text', method: 'model' } : result,
          version: session.version,
          ...(session !== plan.session && { effects: { compressed: compressedFacts(result) } }),
          ...(snapshot !== null && {
            history: { session: session.id, step: { snapshot } },
            past: { kind: 'compress', session, snapshot },
          }),
        };
      },
    });
    return respondWritten(c, answer);
  });

  return routes;
}

/** @throws ApiError where nothing here can write, or nothing is to be changed */
function writerFor(
  c: RequestContext,
  { dry_run }: { dry_run?: boolean | undefined },
  newWriter: ((c: RequestContext) => SummaryWriter) | undefined,
): SummaryWriter {
  if (!newWriter) throw invalid('method: model needs a gateway, whose upstream writes the summary', 'method');
  if (dry_run) throw invalid('dry_run: a summary of the model is paid for, and cannot be rehearsed', 'dry_run');
  return newWriter(c);
}

function shown(body: ReturnType<typeof toSession>) {
  return { body, version: body.version };
}

function changed(kind: ChangeKind, session: SessionRow): { past: PastChange } {
  return { past: { kind, session } };
}
