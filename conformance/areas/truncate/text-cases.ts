import { contentText } from '../../../contract/content-text.ts';
import { type SessionMessage, SessionTruncation } from '../../../contract/sessions.ts';
import { type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { idOf, toolCall, toolResult, user } from '../../wire/sessions.ts';
import { findSmallestAccepted, tokensIn, toolCallWith } from '../../wire/windows.ts';

/** Cuts that go into a message: its text, the results of a group, and what cannot be cut. */

/** Less than the first result can give up, more than what is due to the way in which tails count. */
const LITTLE = 12;

export const truncateGroupCut = defineCase({
  id: 'truncate.group-cut',
  title: 'in a newest group that does not fit, results are cut oldest first and calls never',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'oldest-result-first then-the-next': 'truncate.results-first',
    'calls-stay': 'truncate.groups-whole',
    'no-text-emptied': 'truncate.never-empty',
    'group-within': 'truncate.text-cut',
  },
  async run({ api, limits, texts, check }) {
    const least = limits.min_preserve_tokens;
    const { id } = await api.createSession();
    await api.append(id, user('Look at both.'));
    await api.append(id, {
      ...toolCall('call_1', 'call_2'),
      role: 'assistant',
      content: 'I look at both of them now.',
    });
    await api.append(id, toolResult('call_1', await texts.exactly(Math.floor(least / 2), 'First:')));
    await api.append(id, toolResult('call_2', await texts.exactly(least, 'Second:')));
    const [, ...group] = await api.windowOf(id);
    const textsOf = (messages: readonly SessionMessage[]) => messages.map(({ content }) => contentText(content));
    const [calls, first = '', second = ''] = textsOf(group);
    const cut = async (preserve_len: number) => {
      expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      return api.windowOf(id);
    };
    const once = await cut(tokensIn(group) - LITTLE);
    await check('oldest-result-first', () => {
      const [callsNow, firstNow = '', secondNow] = textsOf(once);
      expectEqual(
        [callsNow, secondNow],
        [calls, second],
        'the call and the newer result, where the older can give up enough',
      );
      expectTrue(firstNow !== first && first.endsWith(firstNow), 'the older result is cut');
    });
    const twice = await cut(least);
    const [callsNow, firstNow = '', secondNow = ''] = textsOf(twice);
    await check('then-the-next', () => {
      expectEqual(callsNow, calls, 'the text beside the calls, where the results can give up enough');
      expectTrue(secondNow !== second && second.endsWith(secondNow), 'the newer result is cut too');
      expectTrue(
        firstNow.length < secondNow.length,
        'the older result gives up all that it can before the newer gives up any',
      );
    });
    await check('calls-stay', () => {
      expectEqual(twice.map(idOf), group.map(idOf), 'the members of the group');
      expectEqual(twice[0]?.tool_calls, group[0]?.tool_calls, 'the calls');
    });
    await check('no-text-emptied', () => expectTrue(firstNow !== '' && secondNow !== '', 'each text keeps something'));
    await check('group-within', () => {
      expectTrue(tokensIn(twice) <= least, `the group counts at most ${least}, not ${tokensIn(twice)}`);
    });
  },
});

export const truncateLeastNamed = defineCase({
  id: 'truncate.least-named',
  title: 'calls or pins that do not fit are refused with the smallest preserve_len that works',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: { 'calls-refused calls-least-works pins-refused pins-least-works': 'truncate.least-named' },
  async run({ api, limits, texts, check }) {
    const least = limits.min_preserve_tokens;
    const large = await texts.exactly(Math.floor(1.25 * least));
    const called = await api.createSession();
    await api.append(called.id, toolCallWith('call_1', JSON.stringify({ log: large })));
    await api.append(called.id, toolResult('call_1', await texts.exactly(Math.floor(least / 2))));
    const pinned = await api.createSession();
    await api.append(pinned.id, { ...user(large), pinned: true });
    await api.append(pinned.id, user(await texts.exactly(Math.floor(least / 2))));
    for (const [kind, { id }] of [
      ['calls', called],
      ['pins', pinned],
    ] as const) {
      const path = `/sessions/${id}/truncate`;
      const before = await api.stateOf(id);
      let message = '';
      const isRefused = await check(`${kind}-refused`, async () => {
        const reply = await api.post(path, { preserve_len: least });
        message = expectError(reply, 'preserve_len_too_small', { param: 'preserve_len' });
        await api.expectUnchanged(before);
      });
      if (!isRefused) continue;
      await check(`${kind}-least-works`, async () => {
        const named = await findSmallestAccepted(message, least, (preserve_len) =>
          api.post(path, { preserve_len, dry_run: true }),
        );
        expectSuccess(await api.post(path, { preserve_len: named }));
        const after = await api.windowOf(id);
        expectEqual(after.map(idOf), before.messages.map(idOf), 'the messages that stay');
        expectTrue(
          after.every((one) => one.role === 'assistant' || contentText(one.content) !== ''),
          'no text is empty',
        );
        expectTrue(tokensIn(after) <= named, `at most ${named} tokens stay, not ${tokensIn(after)}`);
      });
    }
  },
});

/** How many longer suffixes are tried, a character more each. */
const LONGER = 6;

export const truncateTextCut = defineCase({
  id: 'truncate.text-cut',
  title: 'a newest message that does not fit keeps the longest suffix that does',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'stays-alone-with-pins is-a-suffix counted-within longest-suffix': 'truncate.text-cut',
    'same-id-and-marked': 'truncate.text-cut-marked',
    'again-changes-nothing': 'truncate.idempotent',
    'characters-stay-whole': 'truncate.whole-characters',
    'removed-of-a-text': 'truncate.answer',
  },
  cost: () => ({ requests: 60 }),
  async run({ api, limits, texts, check }, context) {
    const least = limits.min_preserve_tokens;
    const { id } = await api.createSession();
    await api.append(id, [{ role: 'system', content: 'Be brief.' }, user('What is in the log?')]);
    const text = await texts.exactly(Math.floor(1.5 * least), 'The log:');
    await api.append(id, user(text));
    const before = await api.windowOf(id);
    const [lead, newest] = [before[0], before.at(-1)];
    // Not a limit of its own, so that a cut to the minimum would show.
    const preserve_len = least + 11;
    expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
    const cutOnce = await api.stateOf(id);
    const after = cutOnce.messages;
    const kept = after.at(-1);
    const tail = contentText(kept?.content);
    const budget = preserve_len - tokensIn(after.slice(0, -1));
    await check('stays-alone-with-pins', () => {
      expectEqual(after.slice(0, -1), [lead], 'what stands before the newest message: the pins alone');
      expectTrue(kept?.role === 'user', 'the newest message stays');
    });
    await check('same-id-and-marked', () => {
      expectEqual([kept?.id, kept?.truncated], [newest?.id, true], 'id and truncated of the message that was cut');
    });
    await check('is-a-suffix', () => {
      expectTrue(tail !== '' && tail !== text && text.endsWith(tail), 'the text that stays is the end of what it was');
    });
    await check('counted-within', async () => {
      expectEqual(kept?.tokens, await texts.tokensOf(tail), 'tokens of the message that was cut, against the counter');
      expectTrue(Number(kept?.tokens) <= budget, `at most ${budget} tokens stay of it, not ${kept?.tokens}`);
    });
    await check('longest-suffix', async () => {
      for (let more = 1; more <= LONGER; more += 1) {
        const longer = text.slice(text.length - tail.length - more);
        const tokens = await texts.tokensOf(longer);
        expectTrue(tokens > budget, `a tail of ${more} characters more counts ${tokens}, within the ${budget} allowed`);
      }
    });
    await check('again-changes-nothing', async () => {
      expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      expectEqual(await api.stateOf(id), cutOnce, 'the session after the same cut again');
    });
    await check('removed-of-a-text', async () => {
      const reply = await api.post(`/sessions/${id}/truncate`, { preserve_len: least });
      const tokens = cutOnce.session.usage.total_tokens - (await api.getSession(id)).usage.total_tokens;
      expectTrue(tokens > 0, 'the text is cut once more');
      const { removed } = expectBody(reply, SessionTruncation);
      expectEqual(removed, { messages: 0, tokens }, 'removed, where a text is cut and no message goes');
    });
    await check('characters-stay-whole', () => keepsCharacters(context));
  },
});

/** Characters of two UTF-16 units, and of four bytes, each of which is several tokens or part of one. */
async function keepsCharacters({ api, limits, texts }: CaseContext<string>): Promise<void> {
  const least = limits.min_preserve_tokens;
  const beginning = `The signs: ${'🜂🜄𝔊𐍈'.repeat(Math.ceil(least / 20))}`;
  const size = Math.max(Math.floor(1.2 * least), (await texts.tokensOf(beginning)) + 8);
  const text = await texts.exactly(size, beginning);
  for (const more of [0, 1, 2, 3]) {
    const { id } = await api.createSession({ messages: [user(text)] });
    expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len: least + more }));
    const [kept] = await api.windowOf(id);
    const tail = contentText(kept?.content);
    expectTrue(text.endsWith(tail), 'the text that stays is the end of what it was, to the character');
    expectTrue(!/^[\uDC00-\uDFFF]/.test(tail), 'the text that stays begins inside a character');
  }
}
