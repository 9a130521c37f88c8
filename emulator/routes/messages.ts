import { Hono } from 'hono';
import type { ErrorBody } from '../../contract/errors.ts';
import type { Limits } from '../../contract/limits.ts';
import { listQuery } from '../../contract/lists.ts';
import { type AppendEnd, sessionRequests } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import type { Env, RequestContext } from '../http/context.ts';
import { type MediaLine, mediaLines, parseLine, readMediaValue } from '../http/media-body.ts';
import { bodyParts, checkFields, compressedBody, parseFields, readJson } from '../http/request-body.ts';
import { renderError, respondWritten, sendStream, setHeader, toList } from '../http/respond.ts';
import { toNdjson } from '../http/streams.ts';
import { expectedVersion, loadSession, mutate, pathSession } from '../mutation.ts';
import { appending } from '../sessions/append.ts';
import { findCursor, pin } from '../sessions/messages.ts';
import { requireSession, toMessage, toUsage } from '../sessions/session.ts';
import { requireContent } from '../sessions/write.ts';
import { respondMessages } from './message-list.ts';

const NDJSON_TYPE = /^application\/(?:x-ndjson|ndjson|jsonl)\s*(?:;|$)/i;

type LineSchema = ReturnType<typeof sessionRequests>['appendOne'];

export function messageRoutes(limits: Limits) {
  const requests = sessionRequests(limits);
  const page = listQuery(limits);
  const routes = new Hono<Env>();

  routes.post('/:id/messages', async (c) => {
    if (NDJSON_TYPE.test(c.req.header('content-type') ?? '')) return appendStream(c, requests.appendOne);
    const value = await readMediaValue(c);
    const isOne = typeof value === 'object' && value !== null && 'role' in value;
    const whole = isOne ? { messages: [value] } : value;
    const { messages } = parseFields(c, requests.append, whole);
    requireContent(messages, true);
    const { messages: sent } = whole as { messages: unknown };
    const answer = await mutate(c, pathSession(c), appending(c.get('services'), { messages, sent }));
    return respondWritten(c, answer);
  });

  routes.get('/:id/messages', (c) => {
    const { services, account } = c.var;
    const { after, order = 'asc', limit } = parseFields(c, page, c.req.query());
    const { id, view, version } = requireSession(services, account, c.req.param('id'));
    const { history } = services.store;
    const place = after === undefined ? {} : { after: findCursor(history, view, after) };
    const rows = history.page(view, { ...place, order, limit: limit + 1 });
    const { keptAfter } = history.reasoning(view);
    const list = toList(rows, limit, (row) => toMessage(id, row, keptAfter));
    return respondMessages(c, list, version);
  });

  routes.post('/:id/messages/:message', async (c) => {
    const { pinned } = await readJson(c, requests.pin);
    const answer = await mutate(c, pathSession(c), {
      apply: (session) => {
        const { result, session: next } = pin(c.get('services'), session, c.req.param('message'), pinned);
        return { body: result, version: next.version };
      },
    });
    return respondWritten(c, answer);
  });

  return routes;
}

/**
 * A streamed append: each line is one message, written as it arrives and acknowledged by a line of its own. A bad first
 * line is an ordinary refusal; a later one ends the stream, and what was acknowledged stays.
 */
async function appendStream(c: RequestContext, schema: LineSchema): Promise<Response> {
  const { services } = c.var;
  const id = c.req.param('id') ?? '';
  const expected = expectedVersion(c);
  const { generation } = services.store;
  const upload = new AbortController();
  const lines = mediaLines(bodyParts(c, upload.signal), services.limits);
  const writeNext = async (index: number): Promise<string | AppendEnd> => {
    const line = await lines.next();
    // Checked once, and not where the stream is resent: its own lines have moved the version on.
    const target = { id, expected: index === 0 ? expected : undefined };
    if (!line.done) return appendLine(c, schema, target, { index, ...line.value, generation });
    if (services.store.generation !== generation) throw new ApiError('version_conflict', { reset: true });
    const session = loadSession(c, { ...target, busy: true });
    return { done: true, lines: index, usage: toUsage(services, session), version: session.version };
  };
  const first = await writeNext(0).catch((error) => {
    throw compressedBody(c) ?? error;
  });
  const acknowledgements = acknowledge(first, writeNext, (error) => {
    // Nobody reads any more, so that it is the end of the upload and not a bad line.
    return upload.signal.aborted ? undefined : renderError(c, error);
  });
  setHeader(c, 'Content-Type', 'application/x-ndjson; charset=utf-8');
  return sendStream(c, acknowledgements, {
    encode: (line) => line,
    encodeError: (error) => toNdjson(renderError(c, error)),
    ending: '',
    abort: upload,
  });
}

/** @returns the acknowledgement, as a line */
async function appendLine(
  c: RequestContext,
  schema: LineSchema,
  session: { id: string; expected: number | undefined },
  line: MediaLine & { index: number; generation: number },
): Promise<string> {
  const { services } = c.var;
  const value = parseLine(c, line);
  const message = line.index === 0 ? parseFields(c, schema, value) : checkFields(schema, value);
  requireContent([message], true);
  const { body } = await mutate(
    c,
    session,
    appending(services, { messages: [message], sent: [value] }, line.index),
    line,
  );
  return `${body}\n`;
}

async function* acknowledge(
  first: string | AppendEnd,
  writeNext: (index: number) => Promise<string | AppendEnd>,
  render: (error: unknown) => ErrorBody | undefined,
): AsyncGenerator<string[], void> {
  let line = first;
  for (let index = 1; ; index += 1) {
    if (typeof line !== 'string') {
      yield [toNdjson(line)];
      return;
    }
    yield [line];
    try {
      line = await writeNext(index);
    } catch (error) {
      const body = render(error);
      if (body) yield [toNdjson({ ...body, index })];
      return;
    }
  }
}
