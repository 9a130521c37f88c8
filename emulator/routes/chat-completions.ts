import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { type ChatCompletion, type ChatCompletionChunk, type ChatRequest, chatRequest } from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import { collect } from '../chat/collect.ts';
import { complete } from '../chat/complete.ts';
import { replay } from '../chat/replay.ts';
import { requireSound, settingsOf } from '../chat/settings.ts';
import { countRequest, openInSession, openStateless, type Turn } from '../chat/turn.ts';
import { unixSeconds } from '../clock.ts';
import { ClientGone } from '../errors.ts';
import type { Env, RequestContext } from '../middleware/context.ts';
import { type Claim, claimKey } from '../middleware/idempotency.ts';
import { readJson } from '../middleware/request-body.ts';
import { stampTiming } from '../middleware/request-id.ts';
import { type NextItem, pacedStream } from '../paced-stream.ts';
import type { StoredAnswer } from '../store/answers.ts';
import { expectedVersion, keep, replayAnswer, requireIdleSession, respond } from './change.ts';
import { renderError } from './render-error.ts';

/** Events of one network write. */
const BATCH = 16;

type Answering = AsyncGenerator<ChatCompletionChunk, ChatCompletion>;

export function chatRoutes(limits: Limits, chunkCharacters: number) {
  const schema = chatRequest(limits);
  const routes = new Hono<Env>();

  routes.post('/chat/completions', async (c) => {
    const request = await readJson(c, schema);
    requireSound(request);
    const expected = expectedVersion(c);
    const claim = claimKey(c, c.get('body'));
    if ('replay' in claim) return replayed(c, request, claim.replay, chunkCharacters);
    const abort = abortWithClient(c);
    const answering = answer(c, { request, expected, claim, chunkCharacters, signal: abort.signal });
    // Up to here a failure is plain JSON: nothing has been sent, and the generator has released what it held.
    const first = await answering.next();
    if (!request.stream) {
      const completion = first.done ? first.value : await collect(answering);
      return respond(c, { body: completion, ...(completion.session && { version: completion.session.version }) });
    }
    let waiting: typeof first | undefined = first;
    const next = () => {
      const step = waiting ?? answering.next();
      waiting = undefined;
      return step;
    };
    return stream(c, next, (reason) => {
      abort.abort(reason);
      void answering.throw(reason).catch(() => undefined);
    });
  });

  return routes;
}

/** A request for a turn, checked as far as it says anything of itself. */
interface Asked {
  request: ChatRequest;
  /** The version that the session has to be at, where the client says so. */
  expected: number | undefined;
  claim: Claim;
  chunkCharacters: number;
  signal: AbortSignal;
}

/** The whole walk of a turn. Holds the session and the key until it has ended, however it ends. */
async function* answer(c: RequestContext, { request, expected, claim, chunkCharacters, signal }: Asked): Answering {
  const { services } = c.var;
  let release = (): void => undefined;
  try {
    if (request.session_id != null) requireIdleSession(c, request.session_id, expected, 'session_id');
    const counted = await countRequest(services, request);
    let turn: Turn;
    if (request.session_id == null) {
      turn = openStateless(services, request, counted);
    } else {
      const session = requireIdleSession(c, request.session_id, expected, 'session_id');
      turn = openInSession(services, session, request, counted);
      release = services.locks.acquire(session.id);
    }
    return yield* complete(turn, {
      model: services.model,
      heading: { id: services.ids('completion'), created: unixSeconds(services.clock), model: request.model },
      chunkCharacters,
      signal,
      commit: (take) =>
        services.store.transaction(() => {
          const completion = take();
          const version = completion.session?.version;
          keep(claim, { body: completion, ...(version !== undefined && { version }) });
          return completion;
        }),
    });
  } finally {
    release();
    claim.release();
  }
}

function stream(c: RequestContext, next: NextItem<ChatCompletionChunk>, onGone: (reason: Error) => void): Response {
  const body = pacedStream(next, {
    encode: toEvent,
    encodeError: (error) => toEvent(renderError(c, error)),
    ending: 'data: [DONE]\n\n',
    batch: BATCH,
    stallMs: c.get('services').limits.stall_seconds * 1_000,
    onGone,
  });
  stampTiming(c);
  return c.body(body, 200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
}

function replayed(c: RequestContext, request: ChatRequest, stored: StoredAnswer, chunkCharacters: number): Response {
  if (!request.stream) return replayAnswer(c, stored);
  const completion = JSON.parse(stored.body) as ChatCompletion;
  const { tokenizer, limits } = c.get('services');
  const { includeUsage } = settingsOf(request, limits);
  c.header('Idempotent-Replayed', 'true');
  const chunks = replay(tokenizer, completion, includeUsage, chunkCharacters);
  return stream(
    c,
    () => chunks.next(),
    () => undefined,
  );
}

function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/**
 * Aborted when the client goes away, or by whoever holds it. Over HTTP the connection says so itself: asking the request for
 * its signal would make a whole `Request` of it.
 */
function abortWithClient(c: RequestContext): AbortController {
  const abort = new AbortController();
  const onGone = () => abort.abort(new ClientGone('the client has gone'));
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>;
  if (outgoing) {
    if (outgoing.destroyed) onGone();
    else outgoing.once('close', () => outgoing.writableFinished || onGone());
    return abort;
  }
  const { signal } = c.req.raw;
  if (signal.aborted) onGone();
  else signal.addEventListener('abort', onGone, { once: true, signal: abort.signal });
  return abort;
}
