import { Hono } from 'hono';
import {
  type ChatCompletion,
  type ChatCompletionChunk,
  type ChatRequest,
  chatRequest,
  freeSampling,
} from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { ClientGone } from '../api-error.ts';
import { replay } from '../chat/chunks.ts';
import { collect, complete } from '../chat/complete.ts';
import { completionId } from '../chat/identity.ts';
import { fieldsWithoutEffect, requireToolsInPlace } from '../chat/profile-rules.ts';
import { windowFor } from '../chat/read-window.ts';
import { requireSound, settingsOf } from '../chat/settings.ts';
import { countTurn, openInSession, openStateless, turnFacts } from '../chat/turn.ts';
import { unixSeconds } from '../clock.ts';
import { type Env, isAddressed, onClientGone, type RequestContext } from '../http/context.ts';
import { renderError } from '../http/render-error.ts';
import { checkFields, nameIgnored, parseFields, readMediaValue } from '../http/request-body.ts';
import {
  journalStreamedText,
  noteEffects,
  respond,
  respondWritten,
  sendStream,
  setHeader,
  type WrittenAnswer,
} from '../http/respond.ts';
import { expectedVersion, Mutation, type SessionTarget } from '../mutation.ts';
import { toEvent } from '../streams/formats.ts';
import { resumed, type Source } from '../streams/output.ts';
import { modelOf } from './model-of.ts';

type Answering = AsyncGenerator<Iterable<ChatCompletionChunk>, ChatCompletion>;

/** @param chunkCharacters of one streamed chunk */
export function chatRoutes(limits: Limits, chunkCharacters: number) {
  const schema = chatRequest(limits);
  const sampling = freeSampling(limits);
  const routes = new Hono<Env>();

  routes.post('/chat/completions', async (c) => {
    const body = await readMediaValue(c);
    const request = parseFields(c, schema, body);
    const profile = modelOf(c, request.model);
    if (profile.sampling.value.kind === 'free') checkFields(sampling, request, isAddressed(c));
    requireToolsInPlace(profile, body);
    requireSound(request, limits, profile);
    nameIgnored(c, fieldsWithoutEffect(profile, request));
    const mutation = new Mutation(c, sessionOf(c, request));
    if (mutation.replay) return replayAnswer(c, request, mutation.replay, chunkCharacters);
    const abort = new AbortController();
    onClientGone(c, () => abort.abort(new ClientGone('the client has gone')));
    const answering = await openTurn(c, request, mutation, { profile, chunkCharacters, signal: abort.signal });
    // Up to here a failure is plain JSON: nothing has been sent, and the generator has released what it held.
    const first = await answering.next();
    if (request.stream) return streamChunks(c, resumed(first, answering), abort);
    const completion = first.done ? first.value : await collect(answering);
    return respond(c, { body: completion, ...(completion.session && { version: completion.session.version }) });
  });

  return routes;
}

function sessionOf(c: RequestContext, { session_id }: ChatRequest): SessionTarget | undefined {
  const expected = expectedVersion(c);
  return session_id == null ? undefined : { id: session_id, expected, param: 'session_id' };
}

/** Checks a request and holds its session. That and the key are released when the turn has ended, however it ends. */
async function openTurn(
  c: RequestContext,
  request: ChatRequest,
  mutation: Mutation<SessionTarget | undefined>,
  { profile, chunkCharacters, signal }: { profile: ModelProfile; chunkCharacters: number; signal: AbortSignal },
): Promise<Answering> {
  const { services, account } = c.var;
  try {
    const counted = await countTurn(services, request, mutation.load(), c.var);
    if (request.session_id != null) await mutation.storeBlobs(counted.write);
    const session = mutation.hold();
    const turn = session
      ? openInSession(services, session, await windowFor(services, session, request.model), counted)
      : openStateless(services, account, counted);
    c.get('rate')?.charge(turn.promptTokens + turn.settings.choices * turn.settings.maxTokens);
    c.get('faults')?.requireMemory(counted.write.tokens + (counted.tools?.tokens ?? 0));
    return complete(turn, {
      model: services.model,
      heading: { id: completionId(services.ids, profile), created: unixSeconds(services.clock), model: request.model },
      chunkCharacters,
      signal,
      release: mutation.release,
      commit(apply) {
        // Nothing is stored of a turn that has neither a session nor a key, or whose key was forgotten in a reset.
        const isStored = session !== undefined || (mutation.isKeyed && !mutation.isStale);
        const { body: completion } = isStored ? mutation.commitNow(apply) : apply();
        const place = () => session && services.store.sessions.find(account, session.id)?.view.head;
        noteEffects(c, turnFacts(request, completion, counted.write, place));
        if (request.stream) journalStreamedText(c, completion.choices[0]?.message.content ?? '');
        return completion;
      },
    });
  } catch (error) {
    mutation.release();
    throw error;
  }
}

function streamChunks(
  c: RequestContext,
  chunks: Source<ChatCompletionChunk>,
  abort = new AbortController(),
): Response | Promise<Response> {
  setHeader(c, 'Content-Type', 'text/event-stream');
  setHeader(c, 'Cache-Control', 'no-cache');
  return sendStream(c, chunks, {
    encode: toEvent,
    encodeError: (error) => toEvent(renderError(c, error)),
    ending: 'data: [DONE]\n\n',
    abort,
  });
}

function replayAnswer(
  c: RequestContext,
  request: ChatRequest,
  answer: WrittenAnswer,
  chunkCharacters: number,
): Response | Promise<Response> {
  if (!request.stream) return respondWritten(c, answer);
  const completion = JSON.parse(answer.body) as ChatCompletion;
  const served = c.get('services').profiles.of(request.model);
  const { includeUsage } = settingsOf(request, served);
  setHeader(c, 'Idempotent-Replayed', 'true');
  return streamChunks(c, replay(served, completion, includeUsage, chunkCharacters));
}
