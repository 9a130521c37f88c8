import { defineCase } from '../../core/case.ts';
import { holds } from '../../core/expect.ts';
import { chats, complete, soundUsage } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';

/** Enough for a block to be cached. */
const WORDS = 600;

export const chatCache = defineCase({
  id: 'chat.cache',
  title: 'what was cached is told truly',
  needs: ['chat'],
  checks: { 'tokens-sound': 'chat.cached-tokens', 'key-accepted': 'chat.prompt-cache-key' },
  cost: chats(4, { promptTokens: 2_000 }),
  async run(trial) {
    const beginning = trial.nonce() + ' river'.repeat(WORDS);
    const messages = [user(`${beginning}\nReply with exactly: OK`)];
    await trial.check('tokens-sound', async () => {
      for (const body of [{}, { messages }, { messages }]) {
        const { usage } = await complete(trial, body);
        const { prompt_tokens } = soundUsage(usage, 'usage');
        const { cached_tokens: cached } = usage as { cached_tokens?: unknown };
        const sound = typeof cached === 'number' && Number.isInteger(cached) && cached >= 1 && cached <= prompt_tokens;
        holds(cached === undefined || sound, `of ${prompt_tokens} prompt tokens ${cached} are said to be cached`);
      }
    });
    await trial.check('key-accepted', () => complete(trial, { prompt_cache_key: trial.nonce() }));
  },
});
