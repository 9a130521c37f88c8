import { Hono } from 'hono';
import { type ChatCompletion, type ChatCompletionChunk, type ChatRequest, chatRequest } from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import type { NextItems } from '../batches.ts';
import { collect } from '../chat/collect.ts';
import { complete } from '../chat/complete.ts';
import { turnFacts } from '../chat/facts.ts';
import { replay } from '../chat/replay.ts';
import { requireSound, settingsOf } from '../chat/settings.ts';
import { countRequest, openInSession, openStateless, type Turn } from '../chat/turn.ts';
import { unixSeconds } from '../clock.ts';
import { ApiError, ClientGone } from '../errors.ts';
import { onClientGone } from '../middleware/client-gone.ts';
import type { Env, RequestContext } from '../middleware/context.ts';
import { type Claim, claimKey } from '../middleware/idempotency.ts';
import { keepStreamed, note } from '../middleware/journal.ts';
import { readJson } from '../middleware/request-body.ts';
import { sendStream, setHeader } from '../middleware/send.ts';
import type { StoredAnswer } from '../store/answers.ts';
import { expectedVersion, keep, replayAnswer, requireIdleSession } from './change.ts';
import { renderError } from './render-error.ts';
import { respond } from './respond.ts';

type Answering = AsyncGenerator<Iterable<ChatCompletionChunk>, ChatCompletion>;

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
    const answering = await openTurn(c, { request, expected, claim, chunkCharacters, signal: abort.signal });
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

/** Checks a request and takes its session. That and the key are held until the turn has ended, however it ends. */
async function openTurn(
  c: RequestContext,
  { request, expected, claim, chunkCharacters, signal }: Asked,
): Promise<Answering> {
  const services = c.get('services');
  const { store } = services;
  const { generation } = store;
  let free = (): void => undefined;
  const release = (): void => {
    free();
    claim.release();
  };
  try {
    if (request.session_id != null) requireIdleSession(c, request.session_id, expected, 'session_id');
    const counted = await countRequest(services, request);
    let turn: Turn;
    if (request.session_id == null) {
      turn = openStateless(services, c.get('account'), request, counted);
    } else {
      const session = requireIdleSession(c, request.session_id, expected, 'session_id');
      turn = openInSession(services, session, request, counted);
      free = services.locks.acquire(session.id);
    }
    c.get('rate')?.charge(turn.promptTokens + turn.settings.choices * turn.settings.maxTokens);
    c.get('faults')?.requireMemory(counted.write.tokens + (counted.tools?.tokens ?? 0));
    return complete(turn, {
      model: services.model,
      heading: { id: services.ids('completion'), created: unixSeconds(services.clock), model: request.model },
      chunkCharacters,
      signal,
      release,
      commit(take) {
        const completion = takeEffect(c, { request, claim, generation }, take);
        const place = () => store.sessions.find(c.get('account'), request.session_id ?? '')?.view.head;
        note(c, turnFacts(request, completion, counted.write, place));
        if (request.stream) keepStreamed(c, completion.choices[0]?.message.content ?? '');
        return completion;
      },
    });
  } catch (error) {
    release();
    throw error;
  }
}

/** Makes a turn part of its session, and keeps its answer. Nothing is stored of one that has neither a session nor a key. */
function takeEffect(
  c: RequestContext,
  { request, claim, generation }: Pick<Asked, 'request' | 'claim'> & { generation: number },
  take: () => ChatCompletion,
): ChatCompletion {
  if (request.session_id == null && !claim.keyed) return take();
  const { store } = c.get('services');
  return store.transaction(() => {
    const isReset = store.generation !== generation;
    // All state has been forgotten; a session of the same id is another one.
    if (isReset && request.session_id != null) {
      throw new ApiError('session_not_found', { session: request.session_id, param: 'session_id' });
    }
    const completion = take();
    const version = completion.session?.version;
    if (claim.keyed && !isReset) keep(claim, { body: completion, ...(version !== undefined && { version }) });
    c.get('faults')?.requireDisk();
    return completion;
  });
}

function stream(
  c: RequestContext,
  next: NextItems<ChatCompletionChunk>,
  onGone: (reason: Error) => void,
): Response | Promise<Response> {
  setHeader(c, 'Content-Type', 'text/event-stream');
  setHeader(c, 'Cache-Control', 'no-cache');
  return sendStream(c, next, {
    encode: toEvent,
    encodeError: (error) => toEvent(renderError(c, error)),
    ending: 'data: [DONE]\n\n',
    onGone,
  });
}

function replayed(
  c: RequestContext,
  request: ChatRequest,
  stored: StoredAnswer,
  chunkCharacters: number,
): Response | Promise<Response> {
  if (!request.stream) return replayAnswer(c, stored);
  const completion = JSON.parse(stored.body) as ChatCompletion;
  const { tokenizer, limits } = c.get('services');
  const { includeUsage } = settingsOf(request, limits);
  setHeader(c, 'Idempotent-Replayed', 'true');
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
 * Aborted when the client goes away, or by whoever holds it.
 */
function abortWithClient(c: RequestContext): AbortController {
  const abort = new AbortController();
  onClientGone(c, () => abort.abort(new ClientGone('the client has gone')));
  return abort;
}
