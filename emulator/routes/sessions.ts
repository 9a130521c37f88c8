import { Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import { listQuery } from '../../contract/lists.ts';
import type { Tool } from '../../contract/messages.ts';
import { sessionRequests } from '../../contract/sessions.ts';
import { billingOf } from '../billing/billing.ts';
import { toolsTokensSliced } from '../engines/tokens/chat-template.ts';
import type { Env, RequestContext } from '../middleware/context.ts';
import { note } from '../middleware/journal.ts';
import { parseFields, readJson } from '../middleware/request-body.ts';
import { requireModel } from '../models/known-models.ts';
import { applyCompression, planCompression } from '../sessions/compress.ts';
import { createSession, deleteSession, requireSession, updateSession } from '../sessions/create.ts';
import { compressedOf, cutOf, rolledBackOf } from '../sessions/facts.ts';
import { toSession } from '../sessions/objects.ts';
import { PreparedCuts } from '../sessions/prepared-cuts.ts';
import { fork, rollback } from '../sessions/restore.ts';
import { requireShared } from '../sessions/snapshot.ts';
import { truncate } from '../sessions/truncate.ts';
import { countWrite, requireContent } from '../sessions/write.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { change, changeExclusively, changeSession } from './change.ts';
import { toList } from './list.ts';
import { type Answer, respond } from './respond.ts';

export function sessionRoutes(limits: Limits) {
  const requests = sessionRequests(limits);
  const page = listQuery(limits);
  const routes = new Hono<Env>();

  routes.post('/', async (c) => {
    const body = await readJson(c, requests.create);
    const { services, account } = c.var;
    if (body.snapshot_id !== undefined || body.share_id !== undefined) {
      return change(c, noCuts(c), (cuts) => {
        if (body.snapshot_id !== undefined) c.get('faults')?.requireSnapshot(body.snapshot_id);
        const session = fork(services, cuts, account, body);
        const origin = body.snapshot_id ?? requireShared(services, body.share_id ?? '').id;
        return created(c, session, () => billingOf(services).continued(session.id, origin));
      });
    }
    if (body.model !== undefined) requireModel(body.model);
    requireContent(body.messages ?? [], true);
    const count = async () => ({
      write: await countWrite(services.tokenizer, body.messages ?? []),
      tools: await countTools(c, body.tools ?? []),
    });
    return change(c, count, ({ write, tools }) => {
      const session = createSession(services, account, body, tools, write);
      c.get('faults')?.requireMemory(write.tokens + tools.tokens);
      return created(c, session, () => {
        billingOf(services).created(session.id);
        billingOf(services).wrote(session.id, write.items);
      });
    });
  });

  routes.get('/', (c) => {
    const { services, account } = c.var;
    const { after, order = 'desc', limit } = parseFields(c, page, c.req.query());
    const from = after === undefined ? undefined : requireSession(services, account, after, 'after').ord;
    const rows = services.store.sessions.page(account, from, order, limit + 1);
    return respond(c, { body: toList(rows, limit, (row) => toSession(services, row)) });
  });

  routes.get('/:id', (c) =>
    respond(c, answer(c, requireSession(c.get('services'), c.get('account'), c.req.param('id')))),
  );

  routes.post('/:id', async (c) => {
    const body = await readJson(c, requests.update);
    const count = () => body.tools && countTools(c, body.tools);
    return changeSession(c, count, (session, tools) =>
      answer(c, updateSession(c.get('services'), session, body, tools)),
    );
  });

  routes.delete('/:id', (c) =>
    changeSession(c, nothing, (session) => {
      deleteSession(c.get('services'), session);
      return {
        body: { id: session.id, object: 'session.deleted', deleted: true },
        afterwards: () => billingOf(c.get('services')).deleted(session.id),
      };
    }),
  );

  routes.post('/:id/truncate', async (c) => {
    const body = await readJson(c, requests.truncate);
    return changeSession(c, noCuts(c), (session, cuts) => {
      const { result, session: next } = truncate(c.get('services'), cuts, session, body);
      if (next !== session) note(c, { cut: cutOf(result, next) });
      return { body: result, version: next.version };
    });
  });

  routes.post('/:id/rollback', async (c) => {
    const body = await readJson(c, requests.rollback);
    return changeSession(c, noCuts(c), (session, cuts) => {
      c.get('faults')?.requireSnapshot(body.snapshot_id);
      const { services } = c.var;
      const next = rollback(services, cuts, session, body);
      note(c, { rolled_back: rolledBackOf(services, body.snapshot_id, next) });
      const afterwards = () => billingOf(services).continued(session.id, body.snapshot_id);
      return { ...answer(c, next), afterwards };
    });
  });

  routes.post('/:id/compress', async (c) => {
    const body = await readJson(c, requests.compress);
    const { services } = c.var;
    const loaded = await services.tokenizer.load();
    return changeExclusively(
      c,
      (session) => planCompression(services, loaded, session, body),
      (plan) => {
        if (plan.summary) c.get('faults')?.requireCompression();
        const { result, session } = applyCompression(services, plan);
        if (session !== plan.session) note(c, { compressed: compressedOf(result) });
        const { snapshot_id } = result;
        const afterwards = () => {
          if (snapshot_id !== null) billingOf(services).snapshotted(session.id, snapshot_id);
        };
        return { body: result, version: session.version, afterwards };
      },
    );
  });

  return routes;
}

function nothing(): undefined {
  return undefined;
}

/** For rules that may have to cut a text in their transaction. */
export function noCuts(c: RequestContext) {
  return async () => new PreparedCuts(await c.get('services').tokenizer.load());
}

async function countTools(c: RequestContext, tools: Tool[]): Promise<Toolset> {
  if (tools.length === 0) return { tools, tokens: 0 };
  return { tools, tokens: await toolsTokensSliced(await c.get('services').tokenizer.load(), tools) };
}

function answer(c: RequestContext, session: SessionRow): Answer {
  return { body: toSession(c.get('services'), session), version: session.version };
}

function created(c: RequestContext, session: SessionRow, afterwards: () => void): Answer {
  return { ...answer(c, session), status: 201, afterwards };
}
