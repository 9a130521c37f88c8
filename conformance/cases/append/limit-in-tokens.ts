import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { Fault } from '../../core/verdict.ts';
import { append, createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';

/** One token in every vocabulary that is known, however long. */
const LONG_WORDS = ' international communication understanding administration responsibility'.split(/(?= )/);
/** Two UTF-16 units and several tokens each. */
const RARE = '𓀀𓁟𓃠𓆣𓇳𓊝𓍝𓎛';

export const appendLimitInTokens = defineCase({
  id: 'append.limit-in-tokens',
  title: 'the limit of a write counts tokens, not characters',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: { 'many-characters-accepted': 'append.limit-in-tokens', 'few-characters-refused': 'append.limit-in-tokens' },
  async run(trial) {
    const { api, texts } = trial;
    const limit = trial.limits.append_tokens;
    const { id } = await createSession(api);
    const words = Array.from({ length: Math.floor(limit / 2) }, (_, index) => LONG_WORDS[index % LONG_WORDS.length]);
    const long = `Terms:${words.join('')}`;
    // At least half as many tokens as UTF-16 units in any byte-pair vocabulary that has no merges for these.
    const short = RARE.repeat(Math.ceil((limit - 64) / RARE.length));
    await trial.check('many-characters-accepted', async () => {
      const tokens = await texts.tokensOf(long);
      if (tokens > limit || long.length <= 4 * limit) throw unfit(long, tokens);
      equal((await append(api, id, user(long))).tokens, tokens, 'the tokens of a text of long words');
    });
    await trial.check('few-characters-refused', async () => {
      const tokens = await texts.tokensOf(short);
      if (tokens <= limit || short.length > limit) throw unfit(short, tokens);
      const before = await stateOf(api, id);
      refused(await api.post(`/sessions/${id}/messages`, user(short)), 'append_too_large');
      await unchanged(api, before);
    });
  },
});

/** What a text counts is the vocabulary's business. */
function unfit(text: string, tokens: number): Fault {
  return new Fault(`a text of ${text.length} characters counts ${tokens} tokens: it tells nothing of the limit`);
}
