import type { Capability } from '../../../contract/capabilities.ts';
import { Session, type SessionMessage } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { fullSession, WINDOW_STATES, type WindowState } from '../../tables/states.ts';
import type { Api } from '../../wire/api.ts';
import { idOf, type State, toolResult, user } from '../../wire/sessions.ts';
import { asWritten, estimateTokens, OTHER_TOOL } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';

/** Windows in every state, brought back in every way: nothing of any message is lost, and the session goes on. */

interface Restored {
  api: Api;
  messages: SessionMessage[];
  /** Where it is a session. */
  state?: State;
}

interface Restore {
  name: string;
  needs: readonly Capability[];
  rule: WireRuleId;
  /** Messages keep their ids. */
  same: boolean;
  /** It lists messages, and makes no session of them. */
  listed?: true;
  run(context: CaseContext<string>, before: State, snapshot_id: string): Promise<Restored>;
}

async function session(api: Api, id: string): Promise<Restored> {
  const state = await api.stateOf(id);
  return { api, messages: state.messages, state };
}

async function rolledBack({ api }: CaseContext<string>, { session: { id } }: State, body: object): Promise<Restored> {
  expectBody(await api.post(`/sessions/${id}/rollback`, body), Session);
  return session(api, id);
}

const RESTORES: readonly Restore[] = [
  {
    name: 'restored',
    needs: [],
    rule: 'snapshots.messages',
    same: true,
    listed: true,
    run: async ({ api }, _, id) => ({ api, messages: await api.readMessages(`/snapshots/${id}/messages`) }),
  },
  {
    name: 'archived',
    needs: [],
    rule: 'snapshots.archives-all',
    same: true,
    listed: true,
    run: async ({ api }, _, id) => ({
      api,
      messages: await api.readMessages(`/snapshots/${id}/messages?scope=archived`),
    }),
  },
  {
    name: 'rollback',
    needs: ['sessions.rollback'],
    rule: 'rollback.restores',
    same: true,
    run: (context, before, snapshot_id) => rolledBack(context, before, { snapshot_id }),
  },
  {
    name: 'rollback-all',
    needs: ['sessions.rollback'],
    rule: 'rollback.all',
    same: true,
    run: (context, before, snapshot_id) => rolledBack(context, before, { snapshot_id, preserve_len: 'all' }),
  },
  {
    name: 'fork',
    needs: ['sessions.fork'],
    rule: 'forks.new-session',
    same: false,
    run: async ({ api }, _, snapshot_id) => session(api, (await api.createSession({ snapshot_id })).id),
  },
  {
    name: 'share-fork',
    needs: ['sessions.fork', 'sessions.share'],
    rule: 'shares.fork',
    same: false,
    async run(context, _, snapshot_id) {
      const api = context.secondAccount();
      return session(api, (await api.createSession({ share_id: await context.api.share(snapshot_id) })).id);
    },
  },
];

/** A message without what is the session's own. */
function bare({ id: _, session_id: _session, ...message }: SessionMessage): object {
  return message;
}

/** All that can be changed of a session after its snapshot. */
async function disturb({ api }: CaseContext<string>, { session: { id }, messages }: State): Promise<void> {
  const calls = messages.flatMap(({ tool_calls = [] }) => tool_calls).map(idOf);
  const answered = messages.map(({ tool_call_id }) => tool_call_id);
  for (const call of calls) if (!answered.includes(call)) await api.append(id, toolResult(call));
  await api.append(id, [user('Later.'), { role: 'assistant', content: 'Too late.' }]);
  for (const { id: message, pinned } of messages.slice(0, 3)) {
    expectSuccess(await api.post(`/sessions/${id}/messages/${message}`, { pinned: !pinned }));
  }
  expectSuccess(await api.post(`/sessions/${id}`, { title: 'Later', metadata: { later: '1' }, tools: [OTHER_TOOL] }));
}

function stateCase(state: WindowState): Case {
  const needs = ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate', ...state.needs] as const;
  const checks = RESTORES.flatMap(({ name, rule, listed }): [string, WireRuleId][] => [
    [`${name}-messages`, rule],
    ...(listed
      ? []
      : ([
          [`${name}-usage`, 'append.usage-sum'],
          [`${name}-goes-on`, state.name === 'calls-open' && name === 'rollback' ? 'rollback.open-calls' : rule],
        ] as [string, WireRuleId][])),
  ]);
  return defineCase<string>({
    id: `rollback.state-${state.name}`,
    title: `a window that is ${state.name}, brought back in every way`,
    needs: [...needs, ...new Set(RESTORES.flatMap((restore) => restore.needs))],
    twoAccounts: true,
    checks: {
      ...Object.fromEntries(checks),
      'counts-as-estimated': 'append.counted',
    },
    cost: () => ({ requests: 160, ...(state.chats && { promptTokens: 2_048, completionTokens: 16 }) }),
    async run({ api, check }, context) {
      const id = await fullSession(context);
      await state.enter(context, id);
      const before = await api.stateOf(id);
      const { usage, tools } = before.session;
      await check('counts-as-estimated', async () => {
        const messages = before.messages.map(asWritten);
        const due = (await estimateTokens(context, { messages, tools })) - context.texts.overhead.estimate;
        expectEqual(usage.total_tokens, due, 'the usage, against the estimate for the same window');
      });
      const { id: snapshot } = await api.createSnapshot(id);
      await disturb(context, before);
      const { version, updated_at } = (await api.stateOf(id)).session;
      for (const restore of RESTORES) await judge(context, restore, { before, snapshot, version, updated_at });
    },
  });

  async function judge(
    context: CaseContext<string>,
    { name, same, run }: Restore,
    { before, snapshot, ...last }: { before: State; snapshot: string; version: number; updated_at: number },
  ): Promise<void> {
    let restored: Restored | undefined;
    await context.check(`${name}-messages`, async () => {
      restored = await run(context, before, snapshot);
      const shown = same ? (message: SessionMessage) => message : bare;
      expectEqual(restored.messages.map(shown), before.messages.map(shown), 'the messages that come back');
      const owner = restored.state?.session.id ?? before.session.id;
      for (const { session_id } of restored.messages) expectEqual(session_id, owner, 'the session of a message');
    });
    const { api, state: now } = restored ?? {};
    if (!api || !now) return;
    await context.check(`${name}-usage`, () => {
      const { usage, tools, version, updated_at } = now.session;
      expectEqual({ usage, tools }, { usage: before.session.usage, tools: before.session.tools }, 'usage and tools');
      const tokens = now.messages.reduce((sum, message) => sum + message.tokens, usage.tools_tokens);
      expectEqual(usage.total_tokens, tokens, 'the usage, against the listed messages');
      if (same) expectTrue(version > last.version && updated_at >= last.updated_at, 'version and time go on');
    });
    await context.check(`${name}-goes-on`, async () => {
      const path = `/sessions/${now.session.id}/messages`;
      const open = state.name === 'calls-open';
      if (open) {
        expectError(await api.post(path, user('And?')), 'tool_call_unanswered');
        await api.append(now.session.id, toolResult('call_x'));
      } else expectError(await api.post(path, toolResult('call_x')), 'tool_result_orphan');
      const { data, usage } = await api.append(now.session.id, { ...user('It goes on.'), name: 'ann' });
      const window = await api.windowOf(now.session.id);
      const added = window.length - now.messages.length;
      expectEqual([added, window.at(-1)], [open ? 2 : 1, data[0]], 'the window after one more message');
      expectEqual(window.slice(0, -added), now.messages, 'the messages that stood there before');
      expectEqual(usage.messages, window.length, 'the messages that are counted');
    });
    // The next way begins where this one did.
    if (!same) expectSuccess(await api.delete(`/sessions/${now.session.id}`));
  }
}

export const STATE_CASES: readonly Case[] = WINDOW_STATES.map(stateCase);
