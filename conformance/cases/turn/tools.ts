import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { append, createSession, createSnapshot, getSession, result, user, windowOf } from '../../wire/dialect.ts';
import { ASKING_FOR_A_CALL, CALLED } from '../../wire/functions.ts';
import { OTHER_TOOL, TOOL } from '../../wire/windows.ts';
import { sendTurn, type Turn, turn, turns } from './turn.ts';

const CALL_TOKENS = 64;
const MUST_CALL = { tool_choice: 'required', max_tokens: CALL_TOKENS };
const { messages: ASKING, tools: FORECAST } = ASKING_FOR_A_CALL;

export const turnTools = defineCase({
  id: 'turn.tools',
  title: 'a turn uses the tools of the session, or brings others',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.tools'],
  checks: {
    'session-tools-used': 'turn.session-tools',
    'absent-keeps': 'turn.session-tools',
    'new-tools-stand': 'turn.new-tools',
    'new-tools-counted': 'turn.new-tools',
    'refused-keeps': 'turn.refused',
    'empty-list-removes': 'turn.new-tools',
  },
  cost: turns(4, { completionTokens: 128 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { tools: FORECAST });
    await trial.check('session-tools-used', async () => {
      const { calls } = await turn(trial, id, ASKING, MUST_CALL);
      equal(calls[0]?.function.name, CALLED, 'the function that is called');
      for (const call of calls) await append(api, id, result(call.id, 'sunny'));
    });
    const none = { tool_choice: 'none' };
    const before = await getSession(api, id);
    await trial.check('absent-keeps', async () => {
      await turn(trial, id, [user('Say hello.')], none);
      const { tools, usage } = await getSession(api, id);
      equal([tools, usage.tools_tokens], [before.tools, before.usage.tools_tokens], 'the tools after a turn without');
    });
    await trial.check('refused-keeps', async () => {
      const standing = await getSession(api, id);
      refused(await sendTurn(trial, id, [result('call_none')], { tools: [TOOL] }), 'tool_result_orphan');
      equal(await getSession(api, id), standing, 'the session after a refused turn that brought tools');
    });
    const replaced = await turn(trial, id, [user('Say hello.')], { ...none, tools: [TOOL, OTHER_TOOL] });
    await trial.check('new-tools-stand', async () => {
      equal((await getSession(api, id)).tools, [TOOL, OTHER_TOOL], 'the tools that came with a turn');
    });
    await trial.check('new-tools-counted', async () => {
      const { usage } = await getSession(api, id);
      const fresh = await createSession(api, { tools: [TOOL, OTHER_TOOL] });
      equal(usage.tools_tokens, fresh.usage.tools_tokens, 'the tokens of the tools');
      const messages = (await windowOf(api, id)).reduce((sum, { tokens }) => sum + tokens, 0);
      equal(usage.total_tokens, usage.tools_tokens + messages, 'the usage of the session');
      const expected = usage.total_tokens - replaced.usage.completion_tokens - 1;
      equal(replaced.usage.prompt_tokens, expected, 'the prompt of the turn that brought the tools');
    });
    await trial.check('empty-list-removes', async () => {
      await turn(trial, id, [user('Say hello.')], { tools: [] });
      const { tools, usage } = await getSession(api, id);
      equal([tools, usage.tools_tokens], [[], 0], 'the tools after a turn that took them away');
    });
  },
});

/** Turns until the model has called something, and answers its calls. @returns the ids of the calls */
async function called(trial: Trial<string>, id: string, more: object = {}): Promise<Turn> {
  const answer = await turn(trial, id, ASKING, { ...MUST_CALL, ...more });
  holds(answer.calls.length > 0, `a turn that must call something ends with ${answer.finish} and calls nothing`);
  return answer;
}

const numbered = (calls: Turn['calls'], from: number) =>
  calls.map(({ function: { name } }, place) => `functions.${name}:${from + place}`);

export const turnToolCalls = defineCase({
  id: 'turn.tool-calls',
  title: 'calls of a session are numbered over its life, and answered by appending results',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.tools'],
  checks: {
    'call-stored': 'turn.stored',
    'first-ids': 'turn.call-ids',
    'open-until-answered': 'turn.pairing',
    'result-accepted': 'turn.tool-results',
    'goes-on-from-result': 'turn.tool-results',
    'next-ids': 'turn.call-ids',
  },
  cost: turns(4, { completionTokens: 256 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { tools: FORECAST });
    const first = await called(trial, id);
    const count = first.calls.length;
    await trial.check('call-stored', async () => {
      const stored = (await windowOf(api, id)).at(-1);
      const shown = (calls: typeof first.calls = []) => calls.map((call) => ({ id: call.id, call: call.function }));
      equal(shown(stored?.tool_calls as typeof first.calls), shown(first.calls), 'the calls of the stored reply');
    });
    await trial.check('first-ids', () => {
      equal(
        first.calls.map((call) => call.id),
        numbered(first.calls, 0),
        'the ids of the first calls',
      );
    });
    await trial.check('open-until-answered', async () => {
      refused(await sendTurn(trial, id, [user('Never mind.')]), 'tool_call_unanswered');
    });
    await trial.need('result-accepted', async () => {
      for (const call of first.calls) await append(api, id, result(call.id, 'sunny'));
    });
    await trial.check('goes-on-from-result', async () => {
      const { content, session } = await turn(trial, id, [], { tool_choice: 'none' });
      holds(content !== '', 'the model says something about the result');
      equal(session.usage.messages, 2 + count + 1, 'the messages of the window');
    });
    await trial.check('next-ids', async () => {
      const { calls } = await called(trial, id);
      equal(
        calls.map((call) => call.id),
        numbered(calls, count),
        'the ids of the next calls',
      );
    });
  },
});

export const turnCallIdsKept = defineCase({
  id: 'turn.call-ids-kept',
  title: 'a rollback does not begin the numbers of calls again',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback', 'chat', 'chat.tools'],
  checks: { 'counted-over-rollback': 'turn.call-ids' },
  cost: turns(2, { completionTokens: 128 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { tools: FORECAST, messages: [user('Hello.')] });
    const { snapshot_id } = await createSnapshot(api, id);
    const first = await called(trial, id);
    succeeded(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
    await trial.check('counted-over-rollback', async () => {
      const { calls } = await called(trial, id);
      equal(
        calls.map((call) => call.id),
        numbered(calls, first.calls.length),
        'the ids of the calls after a rollback',
      );
    });
  },
});
