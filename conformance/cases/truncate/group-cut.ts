import { contentText } from '../../../contract/content-text.ts';
import type { SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, succeeded } from '../../core/expect.ts';
import { append, calling, createSession, result, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';
import { tokensIn } from '../../wire/groups.ts';
import { callingWith, findLeast } from '../../wire/windows.ts';

/** Less than the first result can give up, more than what is due to the way in which tails count. */
const LITTLE = 12;

export const truncateGroupCut = defineCase({
  id: 'truncate.group-cut',
  title: 'a newest group that does not fit is cut in its results, the oldest first, and its calls never',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'oldest-result-first': 'truncate.results-first',
    'then-the-next': 'truncate.results-first',
    'calls-stay': 'truncate.groups-whole',
    'no-text-emptied': 'truncate.never-empty',
    'group-within': 'truncate.text-cut',
  },
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { id } = await createSession(api);
    await append(api, id, user('Look at both.'));
    await append(api, id, {
      ...calling('call_1', 'call_2'),
      role: 'assistant',
      content: 'I look at both of them now.',
    });
    await append(api, id, result('call_1', await texts.exactly(Math.floor(least / 2), 'First:')));
    await append(api, id, result('call_2', await texts.exactly(least, 'Second:')));
    const [, ...group] = await windowOf(api, id);
    const textsOf = (messages: readonly SessionMessage[]) => messages.map(({ content }) => contentText(content));
    const [calls, first = '', second = ''] = textsOf(group);
    const cut = async (preserve_len: number) => {
      succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      return windowOf(api, id);
    };
    const once = await cut(tokensIn(group) - LITTLE);
    await trial.check('oldest-result-first', () => {
      const [callsNow, firstNow = '', secondNow] = textsOf(once);
      equal(
        [callsNow, secondNow],
        [calls, second],
        'the call and the newer result, where the older can give up enough',
      );
      holds(firstNow !== first && first.endsWith(firstNow), 'the older result is cut');
    });
    const twice = await cut(least);
    const [callsNow, firstNow = '', secondNow = ''] = textsOf(twice);
    await trial.check('then-the-next', () => {
      equal(callsNow, calls, 'the text beside the calls, where the results can give up enough');
      holds(secondNow !== second && second.endsWith(secondNow), 'the newer result is cut too');
      holds(
        firstNow.length < secondNow.length,
        'the older result gives up all that it can before the newer gives up any',
      );
    });
    await trial.check('calls-stay', () => {
      equal(
        twice.map((one) => one.id),
        group.map((one) => one.id),
        'the members of the group',
      );
      equal(twice[0]?.tool_calls, group[0]?.tool_calls, 'the calls');
    });
    await trial.check('no-text-emptied', () => holds(firstNow !== '' && secondNow !== '', 'each text keeps something'));
    await trial.check('group-within', () => {
      holds(tokensIn(twice) <= least, `the group counts at most ${least}, not ${tokensIn(twice)}`);
    });
  },
});

export const truncateLeastNamed = defineCase({
  id: 'truncate.least-named',
  title: 'calls or pins that are too much are refused, naming the least preserve_len that works',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'calls-refused': 'truncate.least-named',
    'calls-least-works': 'truncate.least-named',
    'pins-refused': 'truncate.least-named',
    'pins-least-works': 'truncate.least-named',
  },
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const large = await texts.exactly(Math.floor(1.25 * least));
    const called = await createSession(api);
    await append(api, called.id, callingWith('call_1', JSON.stringify({ log: large })));
    await append(api, called.id, result('call_1', await texts.exactly(Math.floor(least / 2))));
    const pinned = await createSession(api);
    await append(api, pinned.id, { ...user(large), pinned: true });
    await append(api, pinned.id, user(await texts.exactly(Math.floor(least / 2))));
    for (const [kind, { id }] of [
      ['calls', called],
      ['pins', pinned],
    ] as const) {
      const path = `/sessions/${id}/truncate`;
      const before = await stateOf(api, id);
      let message = '';
      const isRefused = await trial.check(`${kind}-refused`, async () => {
        const reply = await api.post(path, { preserve_len: least });
        message = refused(reply, 'preserve_len_too_small', { param: 'preserve_len' });
        await unchanged(api, before);
      });
      if (!isRefused) continue;
      await trial.check(`${kind}-least-works`, async () => {
        const named = await findLeast(message, least, (preserve_len) =>
          api.post(path, { preserve_len, dry_run: true }),
        );
        succeeded(await api.post(path, { preserve_len: named }));
        const after = await windowOf(api, id);
        equal(
          after.map((one) => one.id),
          before.messages.map((one) => one.id),
          'the messages that stay',
        );
        holds(
          after.every((one) => one.role === 'assistant' || contentText(one.content) !== ''),
          'no text is empty',
        );
        holds(tokensIn(after) <= named, `at most ${named} tokens stay, not ${tokensIn(after)}`);
      });
    }
  },
});
