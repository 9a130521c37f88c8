import { Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import { listQuery } from '../../contract/lists.ts';
import { snapshotRequests } from '../../contract/snapshots.ts';
import { billingOf } from '../billing/billing.ts';
import { ApiError } from '../errors.ts';
import type { Env, RequestContext } from '../middleware/context.ts';
import { parseFields, readJson } from '../middleware/request-body.ts';
import { requireSession } from '../sessions/create.ts';
import { toMessage, toSharedSnapshot, toSnapshot } from '../sessions/objects.ts';
import { search } from '../sessions/search.ts';
import {
  deleteSnapshot,
  requireShared,
  requireSnapshot,
  shareSnapshot,
  takeSnapshot,
  unshareSnapshot,
} from '../sessions/snapshot.ts';
import { change, expectedVersion, requireVersion } from './change.ts';
import { toList } from './list.ts';
import { respond } from './respond.ts';
import { noCuts } from './sessions.ts';

/** Snapshots of one session, mounted under /v1/sessions. Taking one is no change: it needs no idle session. */
export function sessionSnapshotRoutes(limits: Limits) {
  const requests = snapshotRequests(limits);
  const page = listQuery(limits);
  const routes = new Hono<Env>();

  routes.post('/:id/snapshots', async (c) => {
    const body = await readJson(c, requests.create);
    const expected = expectedVersion(c);
    const { services } = c.var;
    return change(c, noCuts(c), (cuts) => {
      const session = requireVersion(c, c.req.param('id'), expected);
      const snapshot = takeSnapshot(services, cuts, session, body);
      return {
        body: toSnapshot(services, snapshot),
        status: 201,
        version: session.version,
        afterwards: () => billingOf(services).snapshotted(session.id, snapshot.id),
      };
    });
  });

  routes.get('/:id/snapshots', (c) => {
    const session = requireSession(c.get('services'), c.get('account'), c.req.param('id'));
    return listSnapshots(c, parseFields(c, page, c.req.query()), session.id);
  });

  return routes;
}

/** Snapshots of the account, also of sessions that are gone. */
export function snapshotRoutes(limits: Limits) {
  const requests = snapshotRequests(limits);
  const page = listQuery(limits);
  const routes = new Hono<Env>();
  const find = (c: RequestContext) => {
    const id = c.req.param('id') ?? '';
    c.get('faults')?.requireSnapshot(id);
    return requireSnapshot(c.get('services'), c.get('account'), id);
  };

  routes.get('/', (c) => listSnapshots(c, parseFields(c, page, c.req.query())));

  routes.get('/:id', (c) => respond(c, { body: toSnapshot(c.get('services'), find(c)) }));

  routes.delete('/:id', (c) =>
    changeSnapshot(c, () => {
      const snapshot = find(c);
      deleteSnapshot(c.get('services'), snapshot);
      return { id: snapshot.id, object: 'session.snapshot.deleted', deleted: true };
    }),
  );

  routes.get('/:id/messages', async (c) => {
    const { scope, query, after, order, limit } = parseFields(c, requests.messagesQuery, c.req.query());
    const { history } = c.get('services').store;
    const snapshot = find(c);
    const view = snapshot[scope];
    const from = after === undefined ? undefined : history.find(view, after)?.seq;
    if (after !== undefined && from === undefined)
      throw new ApiError('message_not_found', { message: after, param: 'after' });
    const place = from === undefined ? {} : { after: from };
    const rows =
      query === undefined
        ? history.page(view, { ...place, order: order ?? 'asc', limit: limit + 1 })
        : await search(history, view, query, { ...place, order: order ?? 'desc', limit: limit + 1 });
    return respond(c, { body: toList(rows, limit, (row) => toMessage(snapshot.sessionId, row)) });
  });

  routes.post('/:id/share', async (c) => {
    const body = await readJson(c, requests.share);
    return changeSnapshot(c, () => toSnapshot(c.get('services'), shareSnapshot(c.get('services'), find(c), body)));
  });

  routes.delete('/:id/share', (c) =>
    changeSnapshot(c, () => toSnapshot(c.get('services'), unshareSnapshot(c.get('services'), find(c)))),
  );

  return routes;
}

export function shareRoutes() {
  const routes = new Hono<Env>();
  routes.get('/:share_id', (c) => {
    const { services } = c.var;
    return respond(c, { body: toSharedSnapshot(services, requireShared(services, c.req.param('share_id'))) });
  });
  return routes;
}

function changeSnapshot(c: RequestContext, work: () => object): Promise<Response> {
  return change(
    c,
    () => undefined,
    () => ({ body: work() }),
  );
}

interface Page {
  after?: string | undefined;
  order?: 'asc' | 'desc' | undefined;
  limit: number;
}

function listSnapshots(c: RequestContext, { after, order = 'desc', limit }: Page, sessionId?: string): Response {
  const { services, account } = c.var;
  const from = after === undefined ? undefined : requireSnapshot(services, account, after, 'after').ord;
  const rows = services.store.snapshots.page({
    account,
    order,
    limit: limit + 1,
    ...(sessionId !== undefined && { sessionId }),
    ...(from !== undefined && { after: from }),
  });
  return respond(c, { body: toList(rows, limit, (row) => toSnapshot(services, row)) });
}
