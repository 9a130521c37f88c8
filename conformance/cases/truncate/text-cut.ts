import { contentText } from '../../../contract/content-text.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { append, createSession, stateOf, user, windowOf } from '../../wire/dialect.ts';
import { tokensIn } from '../../wire/groups.ts';

/** How many longer suffixes are tried, a character more each. */
const LONGER = 6;

export const truncateTextCut = defineCase({
  id: 'truncate.text-cut',
  title: 'a newest message that does not fit keeps the longest tail of its text that does',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'stays-alone-with-pins': 'truncate.text-cut',
    'is-a-suffix': 'truncate.text-cut',
    'counted-within': 'truncate.text-cut',
    'longest-suffix': 'truncate.text-cut',
    'same-id-and-marked': 'truncate.text-cut-marked',
    'again-changes-nothing': 'truncate.idempotent',
    'characters-stay-whole': 'truncate.whole-characters',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { id } = await createSession(api);
    await append(api, id, [{ role: 'system', content: 'Be brief.' }, user('What is in the log?')]);
    const text = await texts.exactly(Math.floor(1.5 * least), 'The log:');
    await append(api, id, user(text));
    const before = await windowOf(api, id);
    const [lead, newest] = [before[0], before.at(-1)];
    // Not a limit of its own, so that a cut to the minimum would show.
    const preserve_len = least + 11;
    succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
    const cutOnce = await stateOf(api, id);
    const after = cutOnce.messages;
    const kept = after.at(-1);
    const tail = contentText(kept?.content);
    const budget = preserve_len - tokensIn(after.slice(0, -1));
    await trial.check('stays-alone-with-pins', () => {
      equal(after.slice(0, -1), [lead], 'what stands before the newest message: the pins alone');
      holds(kept?.role === 'user', 'the newest message stays');
    });
    await trial.check('same-id-and-marked', () => {
      equal([kept?.id, kept?.truncated], [newest?.id, true], 'id and truncated of the message that was cut');
    });
    await trial.check('is-a-suffix', () => {
      holds(tail !== '' && tail !== text && text.endsWith(tail), 'the text that stays is the end of what it was');
    });
    await trial.check('counted-within', async () => {
      equal(kept?.tokens, await texts.tokensOf(tail), 'tokens of the message that was cut, against the counter');
      holds(Number(kept?.tokens) <= budget, `at most ${budget} tokens stay of it, not ${kept?.tokens}`);
    });
    await trial.check('longest-suffix', async () => {
      for (let more = 1; more <= LONGER; more += 1) {
        const longer = text.slice(text.length - tail.length - more);
        const tokens = await texts.tokensOf(longer);
        holds(tokens > budget, `a tail of ${more} characters more counts ${tokens}, within the ${budget} allowed`);
      }
    });
    await trial.check('again-changes-nothing', async () => {
      succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      equal(await stateOf(api, id), cutOnce, 'the session after the same cut again');
    });
    await trial.check('characters-stay-whole', () => keepsCharacters(trial));
  },
});

/** Characters of two UTF-16 units, and of four bytes, each of which is several tokens or part of one. */
async function keepsCharacters({ api, limits, texts }: Trial<string>): Promise<void> {
  const least = limits.min_preserve_tokens;
  const beginning = `The signs: ${'🜂🜄𝔊𐍈'.repeat(Math.ceil(least / 20))}`;
  const size = Math.max(Math.floor(1.2 * least), (await texts.tokensOf(beginning)) + 8);
  const text = await texts.exactly(size, beginning);
  for (const more of [0, 1, 2, 3]) {
    const { id } = await createSession(api, { messages: [user(text)] });
    succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len: least + more }));
    const [kept] = await windowOf(api, id);
    const tail = contentText(kept?.content);
    holds(text.endsWith(tail), 'the text that stays is the end of what it was, to the character');
    holds(!/^[\uDC00-\uDFFF]/.test(tail), 'the text that stays begins inside a character');
  }
}
