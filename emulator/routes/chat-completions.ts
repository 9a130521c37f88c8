import type * as z from 'zod';
import {
  type ChatCompletion,
  type ChatCompletionChunk,
  type ChatRequest,
  chatRequest,
  freeSampling,
} from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import { ClientGone } from '../api-error.ts';
import { Abort, complete, replay } from '../chat/complete.ts';
import { fieldsWithoutEffect, requireSound, settingsOf } from '../chat/settings.ts';
import { type RequestContext, Routes } from '../http/context.ts';
import { checkFields, modelOf, nameIgnored, parseFields, readMediaValue } from '../http/request-body.ts';
import { onClientGone, respond, respondWritten, sendEvents, setHeader, type WrittenAnswer } from '../http/respond.ts';
import { Handover, resumed } from '../http/streams.ts';
import { Mutation, namedSession } from '../mutation.ts';
import { requireToolsInPlace } from '../sessions/write.ts';

interface ChatSettings {
  /** Characters of one streamed chunk. */
  chunkCharacters: number;
  /** Whether `session_id` is an unknown field. */
  isStateless: boolean;
}

export function chatRoutes(limits: Limits, { chunkCharacters, isStateless }: ChatSettings) {
  const whole = chatRequest(limits);
  const schema: z.ZodType<ChatRequest> = isStateless ? whole.omit({ session_id: true }) : whole;
  const sampling = freeSampling(limits);
  const routes = new Routes();

  routes.post('/chat/completions', async (c) => {
    const body = await readMediaValue(c);
    const request = parseFields(c, schema, body);
    const profile = modelOf(c, request.model);
    if (profile.sampling.value.kind === 'free') checkFields(sampling, request, c.get('addressed'));
    requireToolsInPlace(profile, body);
    requireSound(request, limits, profile);
    nameIgnored(c, fieldsWithoutEffect(profile, request));
    const mutation = new Mutation(c, namedSession(c, request.session_id));
    if (mutation.replay) return replayAnswer(c, request, mutation.replay, chunkCharacters);
    const abort = new Abort();
    onClientGone(c, () => abort.abort(new ClientGone('the client has gone')));
    if (request.stream) {
      const answering = new Handover<ChatCompletionChunk>((give) =>
        complete(mutation, request, { chunkCharacters, abort, give }),
      );
      // Up to here a failure is plain JSON: nothing has been sent.
      const first = await answering.next();
      return sendEvents(c, resumed(first, answering), abort);
    }
    const completion = await complete(mutation, request, { chunkCharacters, abort });
    return respond(c, { body: completion, ...(completion.session && { version: completion.session.version }) });
  });

  return routes;
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
  return sendEvents(c, replay(served, completion, includeUsage, chunkCharacters));
}
