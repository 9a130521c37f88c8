import type { Limits } from '../../contract/limits.ts';
import { listQuery } from '../../contract/lists.ts';
import { snapshotRequests } from '../../contract/snapshots.ts';
import { ApiError } from '../api-error.ts';
import { type RequestContext, Routes } from '../http/context.ts';
import { parseFields, readJson } from '../http/request-body.ts';
import { respond, respondWritten, toList } from '../http/respond.ts';
import { mutate, pathSession } from '../mutation.ts';
import { findCursor, searchWindow } from '../sessions/messages.ts';
import { requireSession, toMessage } from '../sessions/session.ts';
import {
  deleteSnapshot,
  requireShared,
  requireSnapshot,
  shareSnapshot,
  takeSnapshot,
  toSharedSnapshot,
  toSnapshot,
  unshareSnapshot,
} from '../sessions/snapshots.ts';
import { prepareCuts } from '../sessions/truncate.ts';
import { respondMessages } from './messages.ts';

/** Snapshots of one session, mounted under /v1/sessions. Taking one needs no idle session: it changes nothing in it. */
export function sessionSnapshotRoutes(limits: Limits) {
  const requests = snapshotRequests(limits);
  const page = listQuery(limits);
  const routes = new Routes();

  routes.post('/:id/snapshots', async (c) => {
    const body = await readJson(c, requests.create);
    const { services } = c.var;
    const answer = await mutate(
      c,
      { ...pathSession(c), busy: true },
      {
        prepare: prepareCuts(services),
        apply: (session, cuts) => {
          const snapshot = takeSnapshot(services, cuts, session, body);
          return {
            body: toSnapshot(services, snapshot),
            status: 201,
            version: session.version,
            history: { session: session.id, step: { snapshot: snapshot.id } },
            past: { kind: 'snapshot', session, snapshot: snapshot.id },
          };
        },
      },
    );
    return respondWritten(c, answer);
  });

  routes.get('/:id/snapshots', (c) => {
    const session = requireSession(c.get('services'), c.get('account'), c.req.param('id'));
    return listSnapshots(c, parseFields(c, page, c.req.query()), session.id);
  });

  return routes;
}

/** Snapshots of the account, also of sessions that are deleted. */
export function snapshotRoutes(limits: Limits) {
  const requests = snapshotRequests(limits);
  const page = listQuery(limits);
  const routes = new Routes();

  routes.get('/', (c) => listSnapshots(c, parseFields(c, page, c.req.query())));

  routes.get('/:id', (c) => respond(c, { body: toSnapshot(c.get('services'), pathSnapshot(c)) }));

  routes.delete('/:id', async (c) => {
    const answer = await mutate(c, undefined, {
      apply: () => {
        const snapshot = pathSnapshot(c);
        deleteSnapshot(c.get('services'), snapshot);
        return { body: { id: snapshot.id, object: 'session.snapshot.deleted', deleted: true } };
      },
    });
    return respondWritten(c, answer);
  });

  routes.get('/:id/messages', async (c) => {
    const { scope, query, after, order, limit } = parseFields(c, requests.messagesQuery, c.req.query());
    const { history } = c.get('services').store;
    const snapshot = pathSnapshot(c);
    const view = snapshot[scope];
    const place = after === undefined ? {} : { after: findCursor(history, view, after, query) };
    const rows =
      query === undefined
        ? history.page(view, { ...place, order: order ?? 'asc', limit: limit + 1 })
        : await searchWindow(history, view, query, { ...place, order: order ?? 'desc', limit: limit + 1 });
    const { keptAfter } = history.reasoning(view);
    const list = toList(rows, limit, (row) => toMessage(snapshot.sessionId, row, keptAfter));
    return respondMessages(c, list);
  });

  routes.post('/:id/share', async (c) => {
    const body = await readJson(c, requests.share);
    const { services } = c.var;
    const answer = await mutate(c, undefined, {
      apply: () => ({ body: toSnapshot(services, shareSnapshot(services, pathSnapshot(c), body)) }),
    });
    return respondWritten(c, answer);
  });

  routes.delete('/:id/share', async (c) => {
    const { services } = c.var;
    const answer = await mutate(c, undefined, {
      apply: () => ({ body: toSnapshot(services, unshareSnapshot(services, pathSnapshot(c))) }),
    });
    return respondWritten(c, answer);
  });

  return routes;
}

export function shareRoutes() {
  const routes = new Routes();
  routes.get('/:share_id', (c) => {
    const { services } = c.var;
    return respond(c, { body: toSharedSnapshot(services, requireShared(services, c.req.param('share_id'))) });
  });
  return routes;
}

function pathSnapshot(c: RequestContext) {
  const id = c.req.param('id') ?? '';
  c.get('faults')?.requireSnapshot(id);
  return requireSnapshot(c.get('services'), c.get('account'), id);
}

interface Page {
  after?: string | undefined;
  order?: 'asc' | 'desc' | undefined;
  limit: number;
}

/** @throws ApiError `snapshot_not_found` where `after` is not one of the list */
function listSnapshots(c: RequestContext, { after, order = 'desc', limit }: Page, sessionId?: string): Response {
  const { services, account } = c.var;
  const cursor = after === undefined ? undefined : requireSnapshot(services, account, after, 'after');
  if (cursor && sessionId !== undefined && cursor.sessionId !== sessionId) {
    throw new ApiError('snapshot_not_found', { snapshot: cursor.id, param: 'after' });
  }
  const rows = services.store.snapshots.page({
    account,
    order,
    limit: limit + 1,
    ...(sessionId !== undefined && { sessionId }),
    ...(cursor && { after: cursor.ord }),
  });
  return respond(c, { body: toList(rows, limit, (row) => toSnapshot(services, row)) });
}
