import { contentText } from '../../../contract/content-text.ts';
import { Session, SessionCompression, SessionMessage, SessionTruncation } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { Fault } from '../../core/verdict.ts';
import {
  append,
  calling,
  createSession,
  createSnapshot,
  getSession,
  result,
  type State,
  stateOf,
  unchanged,
  user,
  windowOf,
} from '../../wire/dialect.ts';
import { fillWindow } from '../../wire/fill.ts';
import { groupsOf, keptOf, tokensIn } from '../../wire/groups.ts';
import { belowMinimum } from '../../wire/preserve-len.ts';
import { knowsNot, recalls, tells } from '../../wire/recall.ts';
import { appendFacts, callingWith, facts, findLeast, mixedWindow, TOOL } from '../../wire/windows.ts';

const truncateAnswer = defineCase({
  id: 'truncate.answer',
  title: 'what truncate answers is what the session says; a rehearsal changes nothing',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'rehearsal-changes-nothing': 'truncate.dry-run',
    'rehearsal-tells-the-cut': 'truncate.dry-run',
    'before-as-read': 'truncate.answer',
    'after-as-read': 'truncate.answer',
    'removed-adds-up': 'truncate.answer',
    'usage-of-what-is-listed': 'truncate.answer',
    'needs-a-number': 'truncate.preserve-len-required',
    'again-changes-nothing': 'truncate.idempotent',
    'larger-changes-nothing': 'truncate.no-op',
    'empty-window-succeeds': 'truncate.no-op',
  },
  async run(trial) {
    const { api, limits } = trial;
    const before = await mixedWindow(trial, { tools: [TOOL] });
    const { id, usage } = before.session;
    const path = `/sessions/${id}/truncate`;
    // Room for one of the smaller messages is left over, so that an eager second cut would show.
    const preserve_len = Math.floor(1.6 * limits.min_preserve_tokens);
    const cut = async (body: object) => answered(await api.post(path, body), SessionTruncation);
    await trial.check('needs-a-number', async () => {
      for (const wrong of [{}, { preserve_len: 'all' }, { preserve_len: preserve_len + 0.5 }]) {
        refused(await api.post(path, wrong), 'invalid_request', { param: 'preserve_len' });
      }
      await unchanged(api, before);
    });
    const rehearsed = await cut({ preserve_len, dry_run: true });
    await trial.check('rehearsal-changes-nothing', () => unchanged(api, before));
    const done = await cut({ preserve_len });
    const { session, messages } = await stateOf(api, id);
    await trial.check('rehearsal-tells-the-cut', () => {
      equal([rehearsed.dry_run, done.dry_run], [true, false], 'dry_run of the rehearsal and of the cut');
      const told = ({ removed, before: first, after }: SessionTruncation) => ({ removed, before: first, after });
      equal(told(rehearsed), told(done), 'the usage that the rehearsal tells');
    });
    await trial.check('before-as-read', () => equal(done.before, usage, 'before, against the usage read before'));
    await trial.check('after-as-read', () => {
      equal(done.after, session.usage, 'after, against the usage read after');
      equal(done.version, session.version, 'the version, against the one read after');
    });
    await trial.check('removed-adds-up', () => {
      const tokens = done.before.total_tokens - done.after.total_tokens;
      equal(done.removed, { messages: before.messages.length - messages.length, tokens }, 'removed');
      holds(done.removed.messages > 0, 'something is removed');
    });
    await trial.check('usage-of-what-is-listed', () => {
      equal(session.usage.messages, messages.length, 'usage.messages');
      equal(session.usage.total_tokens, usage.tools_tokens + tokensIn(messages), 'usage.total_tokens');
      equal(session.usage.remaining_tokens, limits.window_tokens - session.usage.total_tokens, 'remaining_tokens');
    });
    const cutOnce = { session, messages };
    await trial.check('again-changes-nothing', async () => {
      succeeded(await api.post(path, { preserve_len }));
      await unchanged(api, cutOnce);
    });
    await trial.check('larger-changes-nothing', async () => {
      const now = await getSession(api, id);
      const { removed, version } = await cut({ preserve_len: usage.total_tokens });
      equal(removed, { messages: 0, tokens: 0 }, 'removed, where all fits');
      equal(version, now.version, 'the version, where all fits');
      equal(await getSession(api, id), now, 'the session, where all fits');
    });
    await trial.check('empty-window-succeeds', async () => {
      const empty = await createSession(api);
      const reply = await api.post(`/sessions/${empty.id}/truncate`, { preserve_len });
      const { removed, version } = answered(reply, SessionTruncation);
      equal([removed, version], [{ messages: 0, tokens: 0 }, empty.version], 'removed and version of an empty window');
      equal(await windowOf(api, empty.id), [], 'the empty window');
    });
  },
});

/** Less than the first result can give up, more than what is due to the way in which tails count. */
const LITTLE = 12;

const truncateGroupCut = defineCase({
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

const truncateLeastNamed = defineCase({
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

const truncateGroups = defineCase({
  id: 'truncate.groups',
  title: 'a call and its results are never parted',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'whole-where-it-fits': 'truncate.groups-whole',
    'gone-where-it-does-not': 'truncate.groups-whole',
    'pinned-result-holds-call': 'truncate.pin-holds-group',
    'pinned-call-holds-results': 'truncate.pin-holds-group',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api } = trial;
    const cut = async ({ session }: State, preserve_len: number) => {
      succeeded(await api.post(`/sessions/${session.id}/truncate`, { preserve_len }));
      return (await windowOf(api, session.id)).map(({ id }) => id);
    };
    const window = await groupInTheMiddle(trial);
    const { group, newest } = partsOf(window);
    const fits = tokensIn(newest) + tokensIn(group);
    const stays = [...group, ...newest].map(({ id }) => id);
    await trial.check('whole-where-it-fits', async () => {
      equal(await cut(window, fits), stays, 'the group and what follows it');
    });
    await trial.check('gone-where-it-does-not', async () => {
      equal(await cut(window, fits - 1), stays.slice(group.length), 'what follows the group that does not fit');
    });
    for (const [check, role] of [
      ['pinned-result-holds-call', 'tool'],
      ['pinned-call-holds-results', 'assistant'],
    ] as const) {
      await trial.check(check, async () => {
        const other = await groupInTheMiddle(trial);
        const { group: held, newest: later } = partsOf(other);
        const member = held.findLast((message) => message.role === role);
        const path = `/sessions/${other.session.id}/messages/${member?.id}`;
        answered(await api.post(path, { pinned: true }), SessionMessage);
        const ids = await cut(other, trial.limits.min_preserve_tokens);
        const gone = held.filter(({ id }) => !ids.includes(id)).map(({ role: lost }) => lost);
        equal(gone, [], 'members of the pinned group that are gone');
        holds(!later[0] || !ids.includes(later[0].id), 'an unpinned message went, so that something was cut');
      });
    }
  },
});

/** A group of a call with two results, and more messages before and behind it than the least `preserve_len` keeps. */
async function groupInTheMiddle(trial: Trial<string>): Promise<State> {
  const { api, limits, texts } = trial;
  const half = await texts.exactly(Math.floor(limits.min_preserve_tokens / 2));
  const { id } = await createSession(api);
  await append(api, id, user(half));
  await append(api, id, [calling('call_1', 'call_2'), result('call_1'), result('call_2')]);
  for (let times = 0; times < 3; times += 1) await append(api, id, user(half));
  return stateOf(api, id);
}

function partsOf({ messages }: State): { group: SessionMessage[]; newest: SessionMessage[] } {
  const [, group = [], ...newest] = groupsOf(messages);
  return { group, newest: newest.flat() };
}

const truncateLaws = defineCase({
  id: 'truncate.laws',
  title: 'the same window is cut the same way, and a larger preserve_len keeps more',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.truncate',
    'sessions.snapshot',
    'sessions.rollback',
    'tokens.estimate',
  ],
  checks: { 'larger-keeps-superset': 'truncate.monotone', 'same-cut-again': 'truncate.deterministic' },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { session } = await mixedWindow(trial);
    // Large enough that the smallest cuts go into its text, small enough that the largest leave older messages.
    await append(api, session.id, user(await texts.exactly(Math.floor(1.25 * least))));
    await append(api, session.id, user(await texts.exactly(Math.floor(1.25 * least))));
    const { id: snapshot_id } = await createSnapshot(api, session.id);
    const cut = async (preserve_len: number) => {
      answered(await api.post(`/sessions/${session.id}/rollback`, { snapshot_id }), Session);
      succeeded(await api.post(`/sessions/${session.id}/truncate`, { preserve_len }));
      return windowOf(api, session.id);
    };
    const lengths = [1, 1.1, 1.2, 2, 3.08, 3.2, 4].map((times) => Math.floor(times * least));
    const kept: SessionMessage[][] = [];
    for (const length of lengths) kept.push(await cut(length));
    await trial.check('larger-keeps-superset', () => {
      for (const [place, larger] of kept.slice(1).entries()) {
        const [less, more] = lengths.slice(place, place + 2);
        for (const message of kept[place] ?? []) {
          const same = larger.find(({ id }) => id === message.id);
          holds(same !== undefined, `what preserve_len ${less} keeps is kept by ${more} too: ${message.id} is not`);
          const [tail, text] = [contentText(message.content), contentText(same.content)];
          holds(text.endsWith(tail), `a text that ${less} keeps the end of is at least as long under ${more}`);
        }
      }
    });
    await trial.check('same-cut-again', async () => {
      equal(await cut(lengths[1] ?? least), kept[1], 'the second cut of the same window');
    });
  },
});

const truncateLongestRun = defineCase({
  id: 'truncate.longest-run',
  title: 'tools and pins stay, and as many of the newest messages as fit to the token',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'exact-fit-stays': 'truncate.keeps-within',
    'kept-as-listed': 'truncate.kept-unchanged',
    'one-token-less-goes': 'truncate.keeps-within',
    'leading-system-stays': 'truncate.pins-stay',
    'pinned-stays': 'truncate.pins-stay',
    'pins-counted': 'truncate.pins-stay',
    'tools-stay': 'truncate.tools-stay',
    'tools-counted': 'truncate.tools-stay',
  },
  async run(trial) {
    const { api } = trial;
    const before = await mixedWindow(trial, { tools: [TOOL] });
    const { id, usage } = before.session;
    const cut = async (preserve_len: number) =>
      answered(await api.post(`/sessions/${id}/truncate`, { preserve_len }), SessionTruncation);
    const { exact, kept } = exactFit(before, trial.limits.min_preserve_tokens);
    const { after } = await cut(exact);
    const messages = await windowOf(api, id);
    const ids = messages.map((message) => message.id);
    const pinned = before.messages.filter((message) => message.pinned);
    const [lead, ...others] = pinned.map((message) => message.id);
    const { tools } = await api.get(`/sessions/${id}`).then((reply) => reply.json as { tools?: unknown });
    await trial.check('leading-system-stays', () => {
      holds(lead !== undefined && ids[0] === lead, 'the leading system message stays at the head');
    });
    await trial.check('pinned-stays', () => {
      holds(others.length > 0 && others.every((one) => ids.includes(one)), 'the message written with a pin stays');
    });
    await trial.check('tools-stay', () => equal(tools, before.session.tools, 'the tools after the cut'));
    await trial.check('exact-fit-stays', () => {
      equal(ids.length, kept.length, `the messages that stay within ${exact} tokens, into which they fit exactly`);
    });
    await trial.check('kept-as-listed', () => equal(messages, kept, 'the messages that stay'));
    const shown = after.total_tokens;
    await trial.check('pins-counted', () => {
      const least = tokensIn(pinned) + usage.tools_tokens;
      holds(shown <= exact, `pins of ${least} tokens count: ${shown} tokens stay, not at most ${exact}`);
    });
    await trial.check('tools-counted', () => {
      equal(after.tools_tokens, usage.tools_tokens, 'tools_tokens after the cut');
      equal(shown, after.tools_tokens + tokensIn(messages), 'total_tokens after the cut');
      holds(shown <= exact, `at most ${exact} tokens stay with the tools, not ${shown}`);
    });
    await trial.check('one-token-less-goes', async () => {
      const less = await cut(exact - 1);
      const expected = keptOf(kept, exact - 1 - usage.tools_tokens);
      equal(
        (await windowOf(api, id)).map((one) => one.id),
        expected?.map((one) => one.id),
        'the messages that stay',
      );
      holds(less.after.total_tokens < exact, `less than ${exact} tokens stay, not ${less.after.total_tokens}`);
    });
  },
});

/** The least `preserve_len` above the minimum that a run of newest groups fits exactly. */
function exactFit({ session, messages }: State, minimum: number): { exact: number; kept: State['messages'] } {
  const { tools_tokens, total_tokens } = session.usage;
  for (let budget = minimum + 1 - tools_tokens; budget < total_tokens; budget += 1) {
    const kept = keptOf(messages, budget);
    if (kept && kept.length < messages.length && tokensIn(kept) === budget) {
      return { exact: budget + tools_tokens, kept };
    }
  }
  throw new Fault('no run of the newest messages is larger than min_preserve_tokens');
}

const truncateMemory = defineCase({
  id: 'truncate.memory',
  title: 'the model reads what stays, and nothing of what was cut away',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate', 'chat'],
  checks: { 'cut-away-unknown': 'truncate.model-forgets', 'kept-known': 'truncate.model-forgets' },
  cost: ({ min_preserve_tokens }) => ({ promptTokens: 4 * (min_preserve_tokens + 300), completionTokens: 4 * 32 }),
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const [gone, kept] = [trial.nonce(), trial.nonce()];
    const { id } = await createSession(api);
    await append(api, id, user(tells(gone, 'garden')));
    await fillWindow(trial, id, 2 * least, Math.floor(least / 4));
    await append(api, id, user(tells(kept)));
    succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len: least }));
    await trial.check('cut-away-unknown', () => knowsNot(trial, { session_id: id }, gone, 'garden'));
    await trial.check('kept-known', () => recalls(trial, { session_id: id }, kept));
  },
});

const truncateSummary = defineCase({
  id: 'truncate.summary',
  title: 'an earlier summary is cut away like any message',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'sessions.compress', 'tokens.estimate'],
  checks: { 'summary-goes': 'truncate.summary-goes' },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const { id } = await createSession(api);
    await appendFacts(trial, id, facts(40));
    const { summary, after } = answered(await api.post(`/sessions/${id}/compress`), SessionCompression);
    holds(summary !== null, 'something is compressed');
    await fillWindow(trial, id, after.total_tokens + least, Math.floor(least / 4));
    await trial.check('summary-goes', async () => {
      succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len: least }));
      const left = (await windowOf(api, id)).filter((message) => message.summary);
      equal(left, [], 'summaries after newer messages have filled preserve_len');
    });
  },
});

const truncateMinimum = defineCase({
  id: 'truncate.minimum',
  title: 'preserve_len of the minimum is accepted, one less is refused',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: { 'minimum-accepted': 'truncate.keeps-within', 'less-refused': 'truncate.minimum' },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const session = await createSession(api);
    await fillWindow(trial, session.id, 2 * least, Math.floor(least / 4));
    const path = `/sessions/${session.id}/truncate`;
    const before = await stateOf(api, session.id);
    await trial.check('less-refused', async () => {
      belowMinimum(await api.post(path, { preserve_len: least - 1 }), least);
      await unchanged(api, before);
    });
    await trial.check('minimum-accepted', async () => {
      const cut = answered(await api.post(path, { preserve_len: least }), SessionTruncation);
      holds(cut.after.total_tokens <= least, `at most ${least} tokens stay, not ${cut.after.total_tokens}`);
      const { messages } = await stateOf(api, session.id);
      equal(messages, before.messages.slice(-messages.length), 'the messages that stay');
      holds(
        cut.after.total_tokens + (before.messages.at(-messages.length - 1)?.tokens ?? 0) > least,
        'one more would not fit',
      );
      await append(api, session.id, user('Noted.'));
    });
  },
});

/** How many longer suffixes are tried, a character more each. */
const LONGER = 6;

const truncateTextCut = defineCase({
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

export const TRUNCATE_CASES: readonly Case[] = [
  truncateMinimum,
  truncateLongestRun,
  truncateGroups,
  truncateAnswer,
  truncateTextCut,
  truncateGroupCut,
  truncateLeastNamed,
  truncateLaws,
  truncateSummary,
  truncateMemory,
];
