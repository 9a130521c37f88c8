import type { CaseContext } from '../core/case.ts';
import { expectSuccess } from '../core/expect.ts';
import type { Reply } from './reply.ts';
import { user } from './sessions.ts';

const WORDS = 'responsibility internationalization communication infrastructure ';
/** An order whose answer is longer than what stands in the buffers between a server and its reader in one process. */
const ORDER = `Reply with exactly this text: ${WORDS.repeat(44).trim()}`;
const ANSWER_TOKENS = 320;
export const HELD_TURN_COST = { promptTokens: 2_048, completionTokens: ANSWER_TOKENS };

/**
 * A streamed turn of the session whose reader stops at the first piece until `meanwhile` has ended.
 * @returns its answer, and whether it was still running then: a connection may hold the whole answer in its buffers
 */
export async function holdTurn(
  { api, target, texts }: CaseContext<string>,
  session_id: string,
  meanwhile: (key: string) => Promise<void>,
  key: string,
): Promise<Reply> {
  let begun = false;
  const max_tokens = ANSWER_TOKENS + texts.overhead.answer;
  const body = { model: target.model, session_id, messages: [user(ORDER)], max_tokens, stream: true };
  const stopWhen = async (text: string) => {
    if (begun || !text.includes('"content"')) return false;
    begun = true;
    await meanwhile(key);
    return false;
  };
  return expectSuccess(await api.post('/chat/completions', body, { headers: { 'Idempotency-Key': key }, stopWhen }));
}

/** The same request again, as it was sent by `holdTurn`. */
export function resendTurn(
  { api, target, texts }: CaseContext<string>,
  session_id: string,
  key: string,
): Promise<Reply> {
  const max_tokens = ANSWER_TOKENS + texts.overhead.answer;
  const body = { model: target.model, session_id, messages: [user(ORDER)], max_tokens, stream: true };
  return api.post('/chat/completions', body, { headers: { 'Idempotency-Key': key } });
}
