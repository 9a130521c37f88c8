import { succeeded } from '../core/expect.ts';
import type { Trial } from '../core/trial.ts';
import { user } from './dialect.ts';
import type { Reply } from './reply.ts';

/** A turn may be over before anything else arrives, so it is tried again. */
const MAX_TURNS = 8;
const MAX_WAVES = 40;
const ANSWER_TOKENS = 160;
const PROMPT_TOKENS = 1_024;
/** What all the turns cost at most, where little else stands in the window. */
export const DURING_COST = { promptTokens: MAX_TURNS * PROMPT_TOKENS, completionTokens: MAX_TURNS * ANSWER_TOKENS };

/** A long answer, so that the turn lasts. */
const WORDS = 'responsibility internationalization communication infrastructure ';
const QUESTION = `Reply with exactly this text: ${WORDS.repeat(24).trim()}`;

/**
 * Sends requests while turns of the session run, wave upon wave, and as many turns as it takes.
 * @param wave begins a few requests that are on their way at the same time; what they are is up to the case
 * @param enough whether what was answered so far tells all
 * @returns all answers, those that came before or after a turn included: which those are cannot be seen
 */
export async function duringTurns(
  trial: Trial<string>,
  id: string,
  wave: () => Promise<Reply>[],
  enough: (replies: readonly Reply[]) => boolean,
): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let turns = 0; turns < MAX_TURNS && !enough(replies); turns += 1) {
    const waves: Promise<unknown>[] = [];
    let over = false;
    const send = async (): Promise<void> => {
      if (over || waves.length >= MAX_WAVES || enough(replies)) return;
      const sent = Promise.all(wave()).then((answers) => replies.push(...answers));
      waves.push(sent);
      await sent;
      await send();
    };
    // Each piece of the answer is a sign that the turn runs.
    const sign = () => {
      waves.push(send());
      return false;
    };
    const turn = say(trial, id, sign).finally(() => {
      over = true;
    });
    sign();
    const ended = await turn;
    for (let index = 0; index < waves.length; index += 1) await waves[index];
    if (ended.status !== 409) succeeded(ended);
  }
  return replies;
}

function say({ api, target }: Trial<string>, id: string, sign: () => boolean): Promise<Reply> {
  const messages = [user(QUESTION)];
  const body = { model: target.model, session_id: id, messages, max_tokens: ANSWER_TOKENS, stream: true };
  return api.post('/chat/completions', body, { enough: sign });
}
