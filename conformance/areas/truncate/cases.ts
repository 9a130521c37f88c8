import { contentText } from '../../../contract/content-text.ts';
import { Session, SessionCompression, SessionMessage, SessionTruncation } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { Inconclusive } from '../../core/verdict.ts';
import { CUT_AND_BACK } from '../../tables/states.ts';
import { codeWordText, expectNoRecall, expectRecall } from '../../wire/chat.ts';
import { idOf, isPinnedMessage, isSummary, type State, toolCall, toolResult, user } from '../../wire/sessions.ts';
import {
  appendFacts,
  expectBelowMinimum,
  facts,
  fillWindow,
  groupsOf,
  mixedWindow,
  retainedBy,
  TOOL,
  tokensIn,
} from '../../wire/windows.ts';
import { CUT_STATE_CASES } from './state-cases.ts';
import { truncateGroupCut, truncateLeastNamed, truncateTextCut } from './text-cases.ts';

const truncateAnswer = defineCase({
  id: 'truncate.answer',
  title: 'the answer to truncate matches the session; a dry run changes nothing',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'rehearsal-changes-nothing rehearsal-tells-the-cut': 'truncate.dry-run',
    'before-as-read after-as-read removed-adds-up usage-of-what-is-listed': 'truncate.answer',
    'needs-a-number': 'truncate.preserve-len-required',
    'again-changes-nothing': 'truncate.idempotent',
    'larger-changes-nothing empty-window-succeeds': 'truncate.no-op',
  },
  async run({ api, limits, check }, context) {
    const before = await mixedWindow(context, { tools: [TOOL] });
    const { id, usage } = before.session;
    const path = `/sessions/${id}/truncate`;
    // Room for one of the smaller messages is left over, so that an eager second cut would show.
    const preserve_len = Math.floor(1.6 * limits.min_preserve_tokens);
    const cut = async (body: object) => expectBody(await api.post(path, body), SessionTruncation);
    await check('needs-a-number', async () => {
      for (const wrong of [{}, { preserve_len: 'all' }, { preserve_len: preserve_len + 0.5 }]) {
        expectError(await api.post(path, wrong), 'invalid_request', { param: 'preserve_len' });
      }
      await api.expectUnchanged(before);
    });
    const rehearsed = await cut({ preserve_len, dry_run: true });
    await check('rehearsal-changes-nothing', () => api.expectUnchanged(before));
    const done = await cut({ preserve_len });
    const { session, messages } = await api.stateOf(id);
    await check('rehearsal-tells-the-cut', () => {
      expectEqual([rehearsed.dry_run, done.dry_run], [true, false], 'dry_run of the rehearsal and of the cut');
      const changes = ({ removed, before: first, after }: SessionTruncation) => ({ removed, before: first, after });
      expectEqual(changes(rehearsed), changes(done), 'the usage in the answer to the dry run');
    });
    await check('before-as-read', () => expectEqual(done.before, usage, 'before, against the usage read before'));
    await check('after-as-read', () => {
      expectEqual(done.after, session.usage, 'after, against the usage read after');
      expectEqual(done.version, session.version, 'the version, against the one read after');
    });
    await check('removed-adds-up', () => {
      const tokens = done.before.total_tokens - done.after.total_tokens;
      expectEqual(done.removed, { messages: before.messages.length - messages.length, tokens }, 'removed');
      expectTrue(done.removed.messages > 0, 'something is removed');
    });
    await check('usage-of-what-is-listed', () => {
      expectEqual(session.usage.messages, messages.length, 'usage.messages');
      expectEqual(session.usage.total_tokens, usage.tools_tokens + tokensIn(messages), 'usage.total_tokens');
      expectEqual(
        session.usage.remaining_tokens,
        limits.window_tokens - session.usage.total_tokens,
        'remaining_tokens',
      );
    });
    const cutOnce = { session, messages };
    await check('again-changes-nothing', async () => {
      expectSuccess(await api.post(path, { preserve_len }));
      await api.expectUnchanged(cutOnce);
    });
    await check('larger-changes-nothing', async () => {
      const now = await api.getSession(id);
      const { removed, version } = await cut({ preserve_len: usage.total_tokens });
      expectEqual(removed, { messages: 0, tokens: 0 }, 'removed, where all fits');
      expectEqual(version, now.version, 'the version, where all fits');
      expectEqual(await api.getSession(id), now, 'the session, where all fits');
    });
    await check('empty-window-succeeds', async () => {
      const empty = await api.createSession();
      const reply = await api.post(`/sessions/${empty.id}/truncate`, { preserve_len });
      const { removed, version } = expectBody(reply, SessionTruncation);
      expectEqual(
        [removed, version],
        [{ messages: 0, tokens: 0 }, empty.version],
        'removed and version of an empty window',
      );
      expectEqual(await api.windowOf(empty.id), [], 'the empty window');
    });
  },
});

const truncateGroups = defineCase({
  id: 'truncate.groups',
  title: 'a call and its results are never separated',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'whole-where-it-fits gone-where-it-does-not': 'truncate.groups-whole',
    'pinned-result-holds-call pinned-call-holds-results': 'truncate.pin-holds-group',
  },
  cost: () => ({ requests: 60 }),
  async run({ api }, context) {
    const cut = async ({ session }: State, preserve_len: number) => {
      expectSuccess(await api.post(`/sessions/${session.id}/truncate`, { preserve_len }));
      return (await api.windowOf(session.id)).map(idOf);
    };
    const window = await groupInTheMiddle(context);
    const { group, newest } = partsOf(window);
    const fits = tokensIn(newest) + tokensIn(group);
    const stays = [...group, ...newest].map(idOf);
    await context.check('whole-where-it-fits', async () => {
      expectEqual(await cut(window, fits), stays, 'the group and what follows it');
    });
    await context.check('gone-where-it-does-not', async () => {
      expectEqual(await cut(window, fits - 1), stays.slice(group.length), 'what follows the group that does not fit');
    });
    for (const [check, role] of [
      ['pinned-result-holds-call', 'tool'],
      ['pinned-call-holds-results', 'assistant'],
    ] as const) {
      await context.check(check, async () => {
        const other = await groupInTheMiddle(context);
        const { group: held, newest: later } = partsOf(other);
        const member = held.findLast((message) => message.role === role);
        const path = `/sessions/${other.session.id}/messages/${member?.id}`;
        expectBody(await api.post(path, { pinned: true }), SessionMessage);
        const ids = await cut(other, context.limits.min_preserve_tokens);
        const gone = held.filter(({ id }) => !ids.includes(id)).map(({ role: lost }) => lost);
        expectEqual(gone, [], 'members of the pinned group that are gone');
        expectTrue(!later[0] || !ids.includes(later[0].id), 'an unpinned message went, so that something was cut');
      });
    }
  },
});

/** A group of a call with two results, and more messages before and behind it than the least `preserve_len` keeps. */
async function groupInTheMiddle(context: CaseContext<string>): Promise<State> {
  const { api, limits, texts } = context;
  const half = await texts.exactly(Math.floor(limits.min_preserve_tokens / 2));
  const { id } = await api.createSession();
  await api.append(id, user(half));
  await api.append(id, [toolCall('call_1', 'call_2'), toolResult('call_1'), toolResult('call_2')]);
  for (let times = 0; times < 3; times += 1) await api.append(id, user(half));
  return api.stateOf(id);
}

function partsOf({ messages }: State): { group: SessionMessage[]; newest: SessionMessage[] } {
  const [, group = [], ...newest] = groupsOf(messages);
  return { group, newest: newest.flat() };
}

const truncateLaws = defineCase({
  id: 'truncate.laws',
  title: 'cuts are deterministic, and a larger preserve_len keeps more',
  needs: CUT_AND_BACK,
  checks: { 'larger-keeps-superset': 'truncate.monotone', 'same-cut-again': 'truncate.deterministic' },
  cost: () => ({ requests: 60 }),
  async run({ api, limits, texts, check }, context) {
    const least = limits.min_preserve_tokens;
    const { session } = await mixedWindow(context);
    // Large enough that the smallest cuts go into its text, small enough that the largest leave older messages.
    await api.append(session.id, user(await texts.exactly(Math.floor(1.25 * least))));
    await api.append(session.id, user(await texts.exactly(Math.floor(1.25 * least))));
    const { id: snapshot_id } = await api.createSnapshot(session.id);
    const cut = async (preserve_len: number) => {
      expectBody(await api.post(`/sessions/${session.id}/rollback`, { snapshot_id }), Session);
      expectSuccess(await api.post(`/sessions/${session.id}/truncate`, { preserve_len }));
      return api.windowOf(session.id);
    };
    const lengths = [1, 1.1, 1.2, 2, 3.08, 3.2, 4].map((times) => Math.floor(times * least));
    const kept: SessionMessage[][] = [];
    for (const length of lengths) kept.push(await cut(length));
    await check('larger-keeps-superset', () => {
      for (const [place, larger] of kept.slice(1).entries()) {
        const [less, more] = lengths.slice(place, place + 2);
        for (const message of kept[place] ?? []) {
          const same = larger.find(({ id }) => id === message.id);
          expectTrue(
            same !== undefined,
            `what preserve_len ${less} keeps is kept by ${more} too: ${message.id} is not`,
          );
          const [tail, text] = [contentText(message.content), contentText(same.content)];
          expectTrue(text.endsWith(tail), `a text that ${less} keeps the end of is at least as long under ${more}`);
        }
      }
    });
    await check('same-cut-again', async () => {
      expectEqual(await cut(lengths[1] ?? least), kept[1], 'the second cut of the same window');
    });
  },
});

const truncateLongestRun = defineCase({
  id: 'truncate.longest-run',
  title: 'tools, pins and exactly the newest messages that fit are kept',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'exact-fit-stays': 'truncate.keeps-within',
    'kept-as-listed': 'truncate.kept-unchanged',
    'one-token-less-goes': 'truncate.keeps-within',
    'leading-system-stays pinned-stays pins-counted': 'truncate.pins-stay',
    'tools-stay tools-counted': 'truncate.tools-stay',
  },
  async run({ api, limits, check }, context) {
    const before = await mixedWindow(context, { tools: [TOOL] });
    const { id, usage } = before.session;
    const cut = async (preserve_len: number) =>
      expectBody(await api.post(`/sessions/${id}/truncate`, { preserve_len }), SessionTruncation);
    const { exact, kept } = exactFit(before, limits.min_preserve_tokens);
    const { after } = await cut(exact);
    const messages = await api.windowOf(id);
    const ids = messages.map(idOf);
    const pinned = before.messages.filter(isPinnedMessage);
    const [lead, ...others] = pinned.map(idOf);
    const { tools } = await api.get(`/sessions/${id}`).then((reply) => reply.json as { tools?: unknown });
    await check('leading-system-stays', () => {
      expectTrue(lead !== undefined && ids[0] === lead, 'the leading system message stays at the head');
    });
    await check('pinned-stays', () => {
      expectTrue(others.length > 0 && others.every((one) => ids.includes(one)), 'the message written with a pin stays');
    });
    await check('tools-stay', () => expectEqual(tools, before.session.tools, 'the tools after the cut'));
    await check('exact-fit-stays', () => {
      expectEqual(
        ids.length,
        kept.length,
        `the messages that stay within ${exact} tokens, into which they fit exactly`,
      );
    });
    await check('kept-as-listed', () => expectEqual(messages, kept, 'the messages that stay'));
    const shown = after.total_tokens;
    await check('pins-counted', () => {
      const least = tokensIn(pinned) + usage.tools_tokens;
      expectTrue(shown <= exact, `pins of ${least} tokens count: ${shown} tokens stay, not at most ${exact}`);
    });
    await check('tools-counted', () => {
      expectEqual(after.tools_tokens, usage.tools_tokens, 'tools_tokens after the cut');
      expectEqual(shown, after.tools_tokens + tokensIn(messages), 'total_tokens after the cut');
      expectTrue(shown <= exact, `at most ${exact} tokens stay with the tools, not ${shown}`);
    });
    await check('one-token-less-goes', async () => {
      const less = await cut(exact - 1);
      const expected = retainedBy(kept, exact - 1 - usage.tools_tokens);
      expectEqual((await api.windowOf(id)).map(idOf), expected?.map(idOf), 'the messages that stay');
      expectTrue(less.after.total_tokens < exact, `less than ${exact} tokens stay, not ${less.after.total_tokens}`);
    });
  },
});

/** The least `preserve_len` above the minimum that a run of newest groups fits exactly. */
function exactFit({ session, messages }: State, minimum: number): { exact: number; kept: State['messages'] } {
  const { tools_tokens, total_tokens } = session.usage;
  for (let budget = minimum + 1 - tools_tokens; budget < total_tokens; budget += 1) {
    const kept = retainedBy(messages, budget);
    if (kept && kept.length < messages.length && tokensIn(kept) === budget) {
      return { exact: budget + tools_tokens, kept };
    }
  }
  throw new Inconclusive('no run of the newest messages is larger than min_preserve_tokens');
}

const truncateMemory = defineCase({
  id: 'truncate.memory',
  title: 'the model reads what is kept and not what was cut',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate', 'chat'],
  checks: { 'cut-away-unknown kept-known': 'truncate.model-forgets' },
  cost: ({ min_preserve_tokens }) => ({ promptTokens: 4 * (min_preserve_tokens + 300), completionTokens: 4 * 32 }),
  async run({ api, limits, check, nonce }, context) {
    const least = limits.min_preserve_tokens;
    const [gone, kept] = [nonce(), nonce()];
    const { id } = await api.createSession();
    await api.append(id, user(codeWordText(gone, 'garden')));
    await fillWindow(context, id, 2 * least, Math.floor(least / 4));
    await api.append(id, user(codeWordText(kept)));
    expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len: least }));
    await check('cut-away-unknown', () => expectNoRecall(context, { session_id: id }, gone, 'garden'));
    await check('kept-known', () => expectRecall(context, { session_id: id }, kept));
  },
});

const truncateSummary = defineCase({
  id: 'truncate.summary',
  title: 'an earlier summary is cut like any message',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'sessions.compress', 'tokens.estimate'],
  checks: { 'summary-goes': 'truncate.summary-goes' },
  async run({ api, limits, check }, context) {
    const least = limits.min_preserve_tokens;
    const { id } = await api.createSession();
    await appendFacts(context, id, facts(40));
    const { summary, after } = expectBody(await api.post(`/sessions/${id}/compress`), SessionCompression);
    expectTrue(summary !== null, 'something is compressed');
    await fillWindow(context, id, after.total_tokens + least, Math.floor(least / 4));
    await check('summary-goes', async () => {
      expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len: least }));
      const left = (await api.windowOf(id)).filter(isSummary);
      expectEqual(left, [], 'summaries after newer messages have filled preserve_len');
    });
  },
});

const truncateMinimum = defineCase({
  id: 'truncate.minimum',
  title: 'preserve_len of the minimum is accepted, one less is refused',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: { 'minimum-accepted': 'truncate.keeps-within', 'less-refused': 'truncate.minimum' },
  async run({ api, limits, check }, context) {
    const least = limits.min_preserve_tokens;
    const session = await api.createSession();
    await fillWindow(context, session.id, 2 * least, Math.floor(least / 4));
    const path = `/sessions/${session.id}/truncate`;
    const before = await api.stateOf(session.id);
    await check('less-refused', async () => {
      expectBelowMinimum(await api.post(path, { preserve_len: least - 1 }), least);
      await api.expectUnchanged(before);
    });
    await check('minimum-accepted', async () => {
      const cut = expectBody(await api.post(path, { preserve_len: least }), SessionTruncation);
      expectTrue(cut.after.total_tokens <= least, `at most ${least} tokens stay, not ${cut.after.total_tokens}`);
      const { messages } = await api.stateOf(session.id);
      expectEqual(messages, before.messages.slice(-messages.length), 'the messages that stay');
      expectTrue(
        cut.after.total_tokens + (before.messages.at(-messages.length - 1)?.tokens ?? 0) > least,
        'one more would not fit',
      );
      await api.append(session.id, user('Noted.'));
    });
  },
});

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
  ...CUT_STATE_CASES,
];
