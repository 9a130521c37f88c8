import { Session, SessionCompression, SessionTruncation } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { fullSession, WINDOW_STATES } from '../../tables/states.ts';
import { isPinnedMessage, isSummary, type State, toolCall, toolResult, user } from '../../wire/sessions.ts';
import { appendFacts, facts, groupsOf, isPinned, retainedBy, tokensIn } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';

/** Windows in every state, cut and compressed: what the answer says is what can be read. */

const STATES = WINDOW_STATES.filter(({ name }) => name !== 'calls-open');
const NEEDS = [
  'sessions',
  'sessions.append',
  'sessions.snapshot',
  'sessions.fork',
  'tokens.estimate',
  ...new Set(STATES.flatMap(({ needs }) => needs)),
] as const;
const cost = () => ({ requests: 60 * STATES.length, promptTokens: 2_048, completionTokens: 16 });

/** In each state a session, and a fork of it. */
async function inEveryState(
  context: CaseContext<string>,
  judge: (id: string, name: string) => Promise<void>,
  prepare: (id: string) => Promise<void>,
): Promise<void> {
  const { api } = context;
  for (const state of STATES) {
    const id = await fullSession(context);
    await state.enter(context, id);
    await prepare(id);
    const { id: snapshot_id } = await api.createSnapshot(id);
    const { id: fork } = await api.createSession({ snapshot_id });
    await judge(id, state.name);
    await judge(fork, `${state.name}-forked`);
    for (const session of [id, fork]) {
      for (const taken of await api.snapshotsOf(session)) expectSuccess(await api.delete(`/snapshots/${taken.id}`));
      expectSuccess(await api.delete(`/sessions/${session}`));
    }
  }
}

function checksOf(parts: Readonly<Record<string, WireRuleId>>): Record<string, WireRuleId> {
  const names = STATES.flatMap(({ name }) => [name, `${name}-forked`]);
  return Object.fromEntries(
    names.flatMap((name) => Object.entries(parts).map(([part, rule]) => [`${name}-${part}`, rule])),
  );
}

/** What the newest group is made of, from one that fits to texts that have to be cut. */
const NEWEST = ['fits', 'text', 'result'] as const;

async function writeNewest(
  { api, limits, texts }: CaseContext<string>,
  id: string,
  newest: (typeof NEWEST)[number],
): Promise<void> {
  const least = limits.min_preserve_tokens;
  if (newest === 'fits') {
    for (let writes = 0; writes < 4; writes += 1)
      await api.append(id, user(await texts.exactly(Math.floor(least / 3))));
    return;
  }
  const long = await texts.exactly(Math.floor(1.2 * least));
  if (newest === 'text') await api.append(id, { ...user(long), name: 'ann' });
  else
    await api.append(id, [
      { ...toolCall('call_z'), content: 'I look.' },
      { ...toolResult('call_z', long), name: 'look_up' },
    ]);
}

function truncateStates(newest: (typeof NEWEST)[number]): Case {
  return defineCase<string>({
    id: `truncate.states-${newest}`,
    title: `a window of every state, cut where the newest group ${newest === 'fits' ? 'fits' : `has a ${newest} that does not fit`}`,
    needs: [...NEEDS, 'sessions.truncate'],
    checks: checksOf({
      answer: 'truncate.answer',
      rehearsal: 'truncate.dry-run',
      kept: 'truncate.keeps-within',
      again: 'truncate.idempotent',
    }),
    cost,
    async run({ api, limits, check }, context) {
      await inEveryState(
        context,
        async (id, name) => {
          const path = `/sessions/${id}/truncate`;
          const before = await api.stateOf(id);
          const pins = tokensIn(before.messages.filter(isPinnedMessage));
          const preserve_len = limits.min_preserve_tokens + pins + before.session.usage.tools_tokens;
          const rehearsed = expectBody(await api.post(path, { preserve_len, dry_run: true }), SessionTruncation);
          const stood = await api.stateOf(id);
          const done = expectBody(await api.post(path, { preserve_len }), SessionTruncation);
          const after = await api.stateOf(id);
          await check(`${name}-rehearsal`, () => {
            expectEqual(stood, before, 'the session after a rehearsal');
            const { version: _, dry_run: _rehearsed, ...due } = done;
            const { version, dry_run, ...told } = rehearsed;
            expectEqual(told, due, 'what the rehearsal says, against the cut');
            expectEqual([version, dry_run, done.dry_run], [before.session.version, true, false], 'version and dry_run');
          });
          await check(`${name}-answer`, () => {
            const tokens = before.session.usage.total_tokens - after.session.usage.total_tokens;
            const due = {
              session_id: id,
              preserve_len,
              removed: { messages: before.messages.length - after.messages.length, tokens },
              before: before.session.usage,
              after: after.session.usage,
              version: after.session.version,
            };
            const { session_id, removed, before: was, after: is, version } = done;
            expectEqual(
              { session_id, preserve_len: done.preserve_len, removed, before: was, after: is, version },
              due,
              'the answer',
            );
            expectTrue(tokens > 0, 'something is cut');
          });
          await check(`${name}-kept`, () => expectKept(before, after, preserve_len, newest));
          await check(`${name}-again`, async () => {
            const { removed } = expectBody(await api.post(path, { preserve_len }), SessionTruncation);
            expectEqual(removed, { messages: 0, tokens: 0 }, 'removed, the second time');
            await api.expectUnchanged(after);
          });
        },
        (id) => writeNewest(context, id, newest),
      );
    },
  });
}

function expectKept(before: State, after: State, preserve_len: number, newest: (typeof NEWEST)[number]): void {
  const { tools_tokens, total_tokens, messages: count } = after.session.usage;
  expectEqual([total_tokens, count], [tools_tokens + tokensIn(after.messages), after.messages.length], 'the usage');
  expectTrue(total_tokens <= preserve_len, `at most ${preserve_len} tokens stay, not ${total_tokens}`);
  expectEqual(after.session.tools, before.session.tools, 'the tools');
  const known = new Map(before.messages.map((message) => [message.id, message]));
  if (newest === 'fits') {
    expectEqual(after.messages, retainedBy(before.messages, preserve_len - tools_tokens), 'the messages that stay');
    return;
  }
  for (const message of after.messages) {
    const { content, tokens, truncated, ...rest } = message;
    const { content: whole, tokens: _tokens, truncated: before_, ...fields } = known.get(message.id) ?? message;
    expectEqual(rest, fields, 'what a cut leaves of a message as it was');
    const cut = content !== whole && JSON.stringify(content) !== JSON.stringify(whole);
    expectEqual(truncated, cut || before_, 'truncated');
    if (cut) expectTrue(String(whole).endsWith(String(content)) && content !== '', 'a text is cut to its end');
  }
}

const compressStates = defineCase<string>({
  id: 'compress.states',
  title: 'a window of every state, compressed and undone',
  needs: [...NEEDS, 'sessions.compress', 'sessions.rollback'],
  checks: checksOf({
    answer: 'compress.answer',
    rehearsal: 'compress.dry-run',
    within: 'compress.budget',
    kept: 'compress.replaces-rest',
    undone: 'compress.undo',
  }),
  cost,
  async run({ api, check }, context) {
    const ratio = 1.5;
    await inEveryState(
      context,
      async (id, name) => {
        const path = `/sessions/${id}/compress`;
        const before = await api.stateOf(id);
        const rehearsed = expectBody(await api.post(path, { ratio, dry_run: true }), SessionCompression);
        const stood = await api.stateOf(id);
        const done = expectBody(await api.post(path, { ratio }), SessionCompression);
        const after = await api.stateOf(id);
        const { usage } = before.session;
        await check(`${name}-rehearsal`, () => {
          expectEqual(stood, before, 'the session after a rehearsal');
          const {
            snapshot_id,
            version,
            before: was,
            ratio: { requested },
          } = rehearsed;
          expectEqual(
            { snapshot_id, version, before: was, requested },
            { snapshot_id: null, version: before.session.version, before: usage, requested: ratio },
            'the rehearsal',
          );
        });
        await check(`${name}-answer`, () => {
          const { version, usage: now } = after.session;
          const summary = after.messages.find(isSummary);
          expectEqual(
            {
              session_id: done.session_id,
              before: done.before,
              after: done.after,
              version: done.version,
              summary: done.summary,
            },
            { session_id: id, before: usage, after: now, version, summary },
            'the answer',
          );
          const achieved = usage.total_tokens / now.total_tokens;
          expectTrue(
            Math.abs(done.ratio.achieved - achieved) < 0.01,
            `the ratio achieved is ${achieved}, not ${done.ratio.achieved}`,
          );
        });
        await check(`${name}-within`, () => {
          const most = Math.floor(usage.total_tokens / ratio);
          const { total_tokens, tools_tokens, messages } = after.session.usage;
          expectTrue(total_tokens <= most, `at most ${most} tokens are left, not ${total_tokens}`);
          expectEqual(
            [total_tokens, messages],
            [tools_tokens + tokensIn(after.messages), after.messages.length],
            'the usage',
          );
        });
        await check(`${name}-kept`, () => {
          const summaries = after.messages.filter(isSummary);
          expectEqual(
            summaries.map(({ role, pinned }) => [role, pinned]),
            [['system', false]],
            'the summary',
          );
          const rest = after.messages.filter((message) => !message.summary);
          const known = groupsOf(before.messages).filter(isPinned).flat();
          expectEqual(rest, known, 'what stays beside the summary: the pinned groups');
          expectEqual(after.session.tools, before.session.tools, 'the tools');
        });
        await check(`${name}-undone`, async () => {
          expectBody(await api.post(`/sessions/${id}/rollback`, { snapshot_id: done.snapshot_id }), Session);
          const undone = await api.stateOf(id);
          expectEqual(undone.messages, before.messages, 'the messages after the undo');
          expectEqual(undone.session.usage, usage, 'the usage after the undo');
        });
      },
      (id) => appendFacts(context, id, facts(24)),
    );
  },
});

export const CUT_STATE_CASES: readonly Case[] = NEWEST.map(truncateStates);
export const COMPRESS_STATE_CASES: readonly Case[] = [compressStates];
