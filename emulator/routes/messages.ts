import { Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import { listQuery } from '../../contract/lists.ts';
import { sessionRequests } from '../../contract/sessions.ts';
import { billingOf } from '../billing/billing.ts';
import { ApiError } from '../errors.ts';
import type { Env } from '../middleware/context.ts';
import { note } from '../middleware/journal.ts';
import { parseFields, readJson, readValue } from '../middleware/request-body.ts';
import { append } from '../sessions/append.ts';
import { requireSession } from '../sessions/create.ts';
import { wroteOf } from '../sessions/facts.ts';
import { toMessage, toUsage, writtenMessage } from '../sessions/objects.ts';
import { pin } from '../sessions/pin.ts';
import { countWrite, requireContent } from '../sessions/write.ts';
import { appendStream, isStream } from './append-stream.ts';
import { changeSession } from './change.ts';
import { toList } from './list.ts';
import { respond } from './respond.ts';

export function messageRoutes(limits: Limits) {
  const requests = sessionRequests(limits);
  const page = listQuery(limits);
  const routes = new Hono<Env>();

  routes.post('/:id/messages', async (c) => {
    if (isStream(c)) return appendStream(c, requests.appendOne);
    const value = await readValue(c);
    const isOne = typeof value === 'object' && value !== null && 'role' in value;
    const body = parseFields(c, requests.append, isOne ? { messages: [value] } : value);
    const services = c.get('services');
    requireContent(body.messages, true);
    const count = () => countWrite(services.tokenizer, body.messages);
    return changeSession(c, count, (session, write) => {
      const { session: next, written } = append(services, session, write);
      c.get('faults')?.requireMemory(write.tokens);
      const data = written.map((entry) => writtenMessage(session.id, entry));
      const usage = toUsage(services, next);
      const { version } = next;
      note(c, { wrote: wroteOf(write, usage.total_tokens, next) });
      return {
        body: { object: 'session.append', session_id: session.id, data, tokens: write.tokens, usage, version },
        version,
        afterwards: () => billingOf(services).wrote(session.id, write.items),
      };
    });
  });

  routes.get('/:id/messages', (c) => {
    const { services, account } = c.var;
    const { after, order = 'asc', limit } = parseFields(c, page, c.req.query());
    const { id, view, version } = requireSession(services, account, c.req.param('id'));
    const { history } = services.store;
    const from = after === undefined ? undefined : history.find(view, after)?.seq;
    if (after !== undefined && from === undefined)
      throw new ApiError('message_not_found', { message: after, param: 'after' });
    const rows = history.page(view, { ...(from !== undefined && { after: from }), order, limit: limit + 1 });
    return respond(c, { body: toList(rows, limit, (row) => toMessage(id, row)), version });
  });

  routes.post('/:id/messages/:message', async (c) => {
    const { pinned } = await readJson(c, requests.pin);
    return changeSession(
      c,
      () => undefined,
      (session) => {
        const { result, session: next } = pin(c.get('services'), session, c.req.param('message'), pinned);
        return { body: result, version: next.version };
      },
    );
  });

  return routes;
}
