import type { CaseContext } from '../core/case.ts';
import { expectSuccess } from '../core/expect.ts';
import type { Reply } from './reply.ts';
import { user } from './sessions.ts';

/** A turn may be over before anything else arrives, so it is tried again. */
const MAX_TURNS = 12;
/** Requests that are on their way at the same time, and the most that are sent during one turn. */
const LANES = 6;
const MAX_SENT = 48;
const ANSWER_TOKENS = 160;
const PROMPT_TOKENS = 1_024;
/** What all the turns cost at most, where little else stands in the window. */
export const DURING_COST = {
  requests: 24 + MAX_TURNS * (MAX_SENT + 1),
  promptTokens: MAX_TURNS * PROMPT_TOKENS,
  completionTokens: MAX_TURNS * ANSWER_TOKENS,
};

const WORDS = 'responsibility internationalization communication infrastructure ';
/** Has a long answer, so that the turn lasts. */
const QUESTION = `Reply with exactly this text: ${WORDS.repeat(24).trim()}`;

/** So many messages take any server a moment to read, in which others get their turn; and they leave room for a few turns. */
const MANY = 540;

/** A session whose turns last, because there is much to read. Needs `sessions.append` and `tokens.estimate`. */
export async function longSession({ api, limits, texts }: CaseContext<string>): Promise<string> {
  const { id } = await api.createSession();
  const most = Math.max(1, Math.floor(limits.append_tokens / (await texts.tokensOf('a'))));
  for (let left = MANY; left > 0; left -= most) {
    await api.append(
      id,
      Array.from({ length: Math.min(left, most) }, () => user('a')),
    );
  }
  return id;
}

/**
 * Sends requests while turns of the session run, one after the other in a few lanes, and as many turns as it takes
 * or as the window has room for.
 * @param send begins the request of a number; what it is, is up to the case
 * @param enough whether what was answered so far tells all
 * @returns all answers, those that came before or after a turn included: which those are cannot be seen
 */
export async function sendDuringTurns(
  context: CaseContext<string>,
  id: string,
  send: (number: number) => Promise<Reply>,
  enough: (replies: readonly Reply[]) => boolean,
  lanes = LANES,
): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let turns = 0; turns < MAX_TURNS && !enough(replies); turns += 1) {
    let over = false;
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent < MAX_SENT && !over && !enough(replies)) {
        sent += 1;
        replies.push(await send(sent));
      }
    };
    const turn = longTurn(context, id).finally(() => {
      over = true;
    });
    await Promise.all(Array.from({ length: lanes }, lane));
    const ended = await turn;
    if (ended.status === 400 && ended.text.includes('context_window_exceeded')) break;
    if (ended.status !== 409) expectSuccess(ended);
  }
  return replies;
}

function longTurn({ api, target, texts }: CaseContext<string>, id: string): Promise<Reply> {
  const messages = [user(QUESTION)];
  const max_tokens = ANSWER_TOKENS + texts.overhead.answer;
  const body = { model: target.model, session_id: id, messages, max_tokens, stream: true };
  return api.post('/chat/completions', body);
}
