import type { ChatRequest } from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import { ClientGone } from '../api-error.ts';
import { requireOneChoice } from '../chat/settings.ts';
import { type RequestContext, Routes } from '../http/context.ts';
import { parseFields, readMediaValue } from '../http/request-body.ts';
import { onClientGone, respondWritten, send, setHeader } from '../http/respond.ts';
import { expectedVersion, Mutation, type SessionTarget } from '../mutation.ts';
import { requireContent } from '../sessions/write.ts';
import { UpstreamRefusal } from './ask-turn.ts';
import type { Gateway } from './gateway.ts';
import { copyHeaders, SessionTurn, sendEvents } from './session-turn.ts';
import { turnRequest } from './turn-request.ts';
import { pairsOf } from './upstream.ts';

/** Chat in a session whose answers come from an upstream. */
export function gatewayChatRoutes(gateway: Gateway, limits: Limits): Routes {
  const schema = turnRequest(limits);
  const routes = new Routes();

  routes.post('/chat/completions', async (c) => {
    const body = await readMediaValue(c);
    // What the schema leaves out is the upstream's: `ChatRequest` is what the count of a prompt reads.
    const request = parseFields(c, schema, body) as ChatRequest;
    const { profile } = c.get('services').profiles.require(request.model);
    requireOneChoice(profile, request);
    requireContent(
      request.messages.filter((message) => message.role !== 'assistant' || !message.partial),
      true,
    );
    const target = { id: request.session_id ?? '', expected: expectedVersion(c), param: 'session_id' };
    const mutation = new Mutation<SessionTarget>(c, target);
    if (mutation.replay) {
      if (!request.stream) return respondWritten(c, mutation.replay);
      setHeader(c, 'Idempotent-Replayed', 'true');
      return sendEvents(c, once(mutation.replay.body), new AbortController());
    }
    const abort = new AbortController();
    onClientGone(c, () => {
      if (!gateway.finishesAbandoned) abort.abort(new ClientGone('the client has gone'));
    });
    const turn = new SessionTurn(c, gateway, { request, body, mutation, abort });
    try {
      return request.stream ? await turn.stream() : await turn.answer();
    } catch (error) {
      if (!(error instanceof UpstreamRefusal)) throw error;
      return handOn(c, error);
    }
  });

  return routes;
}

/** A refusal of the upstream as it is. */
function handOn(c: RequestContext, { answer, body }: UpstreamRefusal): Response {
  copyHeaders(c, answer);
  const type = pairsOf(answer.headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  if (type !== undefined) setHeader(c, 'Content-Type', type);
  return send(c, answer.status, body);
}

async function* once(text: string): AsyncGenerator<string[], void> {
  yield [text];
}
