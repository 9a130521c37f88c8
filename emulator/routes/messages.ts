import { randomUUID } from 'node:crypto';
import type { ErrorBody } from '../../contract/errors.ts';
import type { Limits } from '../../contract/limits.ts';
import { type List, listQuery } from '../../contract/lists.ts';
import type { ContentPart } from '../../contract/messages.ts';
import { type AppendEnd, type SessionAppend, type SessionMessage, sessionRequests } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import { type RequestContext, Routes } from '../http/context.ts';
import { type MediaLine, mediaLines, parseLine } from '../http/media-body.ts';
import {
  bodyParts,
  checkFields,
  parseFields,
  readJson,
  readMediaValue,
  requireUncompressed,
} from '../http/request-body.ts';
import {
  renderError,
  respond,
  respondInParts,
  respondWritten,
  sendJsonParts,
  sendStream,
  setHeader,
  toList,
  type WrittenAnswer,
} from '../http/respond.ts';
import { toNdjson } from '../http/streams.ts';
import { expectedVersion, loadSession, mutate, pathSession } from '../mutation.ts';
import { appending } from '../sessions/append.ts';
import { mayRefer, referenceOf, withUrl } from '../sessions/media.ts';
import { findCursor, pin } from '../sessions/messages.ts';
import { requireSession, toMessage, toUsage } from '../sessions/session.ts';
import { requireContent } from '../sessions/write.ts';
import type { Store } from '../store/store.ts';

const NDJSON_TYPE = /^application\/(?:x-ndjson|ndjson|jsonl)\s*(?:;|$)/i;

type LineSchema = ReturnType<typeof sessionRequests>['appendOne'];

export function messageRoutes(limits: Limits) {
  const requests = sessionRequests(limits);
  const page = listQuery(limits);
  const routes = new Routes();

  routes.post('/:id/messages', async (c) => {
    if (NDJSON_TYPE.test(c.req.header('content-type') ?? '')) return appendStream(c, requests.appendOne);
    const value = await readMediaValue(c);
    const isOne = typeof value === 'object' && value !== null && 'role' in value;
    const whole = isOne ? { messages: [value] } : value;
    const { messages } = parseFields(c, requests.append, whole);
    requireContent(messages, true);
    const { messages: sent } = whole as { messages: unknown };
    const answer = await mutate(c, pathSession(c), appending(c.get('services'), { messages, sent }));
    return respondWrittenMessages(c, answer);
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
        return {
          body: result,
          version: next.version,
          ...(next !== session && { past: { kind: 'pin', session: next } }),
        };
      },
    });
    return respondWrittenMessages(c, answer);
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
  requireUncompressed(c);
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
  const first = await writeNext(0);
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
  try {
    const value = parseLine(c, line);
    const exchange = c.get('exchange');
    if (exchange) services.journal.noteLine(exchange, value);
    const message = line.index === 0 ? parseFields(c, schema, value) : checkFields(schema, value);
    requireContent([message], true);
    const { body } = await mutate(
      c,
      session,
      appending(services, { messages: [message], sent: [value] }, line.index),
      line,
    );
    return `${body}\n`;
  } finally {
    c.releaseLifted();
  }
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

/** Answers with messages as they were sent: the bytes of pictures and videos follow as they are read from the store. */
export function respondMessages(
  c: RequestContext,
  list: List<SessionMessage>,
  version?: number,
): Response | Promise<Response> {
  const { store } = c.get('services');
  const marked = new MarkedMedia(store);
  const data = list.data.map((message) => marked.markMessage(message));
  if (marked.hashes.size === 0) return respond(c, { body: list, ...(version !== undefined && { version }) });
  if (version !== undefined) setHeader(c, 'ETag', `"${version}"`);
  const { parts, length } = marked.writeOut({ ...list, data });
  return sendJsonParts(c, parts, length);
}

/** The same of what was written, which is stored without those bytes. */
function respondWrittenMessages(c: RequestContext, answer: WrittenAnswer): Response {
  if (!mayRefer(answer.body)) return respondWritten(c, answer);
  const marked = new MarkedMedia(c.get('services').store);
  const body = JSON.parse(answer.body) as SessionAppend | SessionMessage;
  const shown =
    'data' in body
      ? { ...body, data: body.data.map((message) => marked.markMessage(message)) }
      : marked.markMessage(body);
  if (marked.hashes.size === 0) return respondWritten(c, answer);
  return respondInParts(c, answer, () => marked.writeOut(shown));
}

function holdAll(store: Store, hashes: Iterable<string>): () => void {
  const releases = [...hashes].map((hash) => store.blobs.hold(hash));
  return () => {
    for (const release of releases) release();
  };
}

const HASH_LENGTH = 64;

/** Places in a text where base64 is to stand. No text of a user can look like one. */
class MarkedMedia {
  readonly hashes = new Set<string>();
  readonly #mark = `#${randomUUID()}#`;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  markMessage(message: SessionMessage): SessionMessage {
    const { content } = message;
    return Array.isArray(content) ? { ...message, content: content.map((part) => this.#marked(part)) } : message;
  }

  #marked(part: ContentPart): ContentPart {
    if (part.type === 'text') return part;
    const reference = referenceOf(part);
    // A stored answer may be older than the end of what it refers to.
    if (!reference || this.#store.blobs.size(reference.hash) === undefined) return part;
    this.hashes.add(reference.hash);
    return withUrl(part, `${reference.head}${this.#mark}${reference.hash}`);
  }

  /** The JSON of what has been marked, with the bytes, which stay until it has been read. */
  writeOut(body: object): { parts: Iterable<Uint8Array>; length: number } {
    const text = JSON.stringify(body);
    const release = holdAll(this.#store, this.hashes);
    return { parts: this.#fill(text, release), length: this.#length(text) };
  }

  #length(text: string): number {
    const { blobs } = this.#store;
    const [start = '', ...rest] = text.split(this.#mark);
    return rest.reduce((sum, piece) => {
      const encoded = 4 * Math.ceil((blobs.size(piece.slice(0, HASH_LENGTH)) ?? 0) / 3);
      return sum + encoded + Buffer.byteLength(piece.slice(HASH_LENGTH));
    }, Buffer.byteLength(start));
  }

  *#fill(text: string, done: () => void): Generator<Uint8Array, void> {
    try {
      const [start = '', ...rest] = text.split(this.#mark);
      yield Buffer.from(start);
      for (const piece of rest) {
        for (const bytes of this.#store.blobs.read(piece.slice(0, HASH_LENGTH))) {
          yield Buffer.from(Buffer.from(bytes).toString('base64'), 'latin1');
        }
        yield Buffer.from(piece.slice(HASH_LENGTH));
      }
    } finally {
      done();
    }
  }
}
