import { type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { Inconclusive } from '../../core/verdict.ts';
import { codeWordText, FORECAST_NAME, FORECAST_REQUEST } from '../../wire/chat.ts';
import {
  append,
  createSession,
  createSnapshot,
  expectUnchanged,
  getSession,
  type Message,
  stateOf,
  toolResult,
  user,
  windowOf,
} from '../../wire/sessions.ts';
import { OTHER_TOOL, TOOL } from '../../wire/windows.ts';
import { LONG_ANSWER, ordering, sendTurn, type Turn, turn, turns } from './case-support.ts';

const TRIES = 3;

export const turnChoices = defineCase({
  id: 'turn.choices',
  title: 'a turn has one answer',
  needs: ['sessions', 'chat'],
  checks: { 'two-refused': 'turn.one-choice', 'two-change-nothing': 'turn.refused', 'one-accepted': 'turn.one-choice' },
  cost: turns(1),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    const reply = await sendTurn(context, id, [user('Say hello.')], { n: 2 });
    await context.check('two-refused', () => expectError(reply, 'invalid_request', { param: 'n' }));
    await context.check('two-change-nothing', () => expectUnchanged(api, before));
    await context.check('one-accepted', () => turn(context, id, [user('Say hello.')], { n: 1 }));
  },
});

export const turnPartial = defineCase({
  id: 'turn.partial',
  title: 'a continued partial message is stored as one message',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.partial'],
  checks: { joined: 'turn.partial', 'one-message': 'turn.partial', 'usage-after': 'turn.usage' },
  cost: turns(1),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user(codeWordText(context.nonce()))] });
    const beginning = 'The code word of the project is';
    const messages: Message[] = [
      user('What is the code word of the project?'),
      { role: 'assistant', content: beginning, partial: true },
    ];
    const { content, usage } = await turn(context, id, messages);
    const { session, messages: stored } = await stateOf(api, id);
    await context.check('one-message', () => {
      expectEqual(
        stored.map(({ role }) => role),
        ['user', 'user', 'assistant'],
        'the roles in the window',
      );
    });
    await context.check('joined', () => {
      expectEqual(stored.at(-1)?.content, beginning + content, 'the last message of the window');
      expectTrue(content !== '', 'the model continues');
    });
    await context.check('usage-after', () => {
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      expectEqual(session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
  },
});

export const turnEmptyAnswer = defineCase({
  id: 'turn.empty-answer',
  title: 'an empty answer is not stored',
  needs: ['sessions', 'chat'],
  checks: { 'new-alone-stored': 'turn.empty-answer', 'goes-on-after': 'turn.empty-answer' },
  cost: turns(TRIES + 1),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const order = ordering('BREAK');
    let before = await stateOf(api, id);
    let said = '';
    for (let tries = 0; tries < TRIES; tries += 1) {
      before = await stateOf(api, id);
      said = (await turn(context, id, [order], { stop: ['BREAK', 'B'] })).content;
      if (said === '') break;
    }
    await context.check('new-alone-stored', async () => {
      if (said !== '') throw new Inconclusive(`the model could not be made to say nothing: ${said}`);
      const stored = (await windowOf(api, id)).slice(before.messages.length);
      expectEqual(
        stored.map(({ role, content }) => [role, content]),
        [['user', order.content]],
        'what a turn without answer adds to the window',
      );
    });
    await context.check('goes-on-after', async () => {
      const { session } = await turn(context, id, [user('Say hello.')]);
      const { messages } = await stateOf(api, id);
      expectEqual(messages.length, session.usage.messages, 'the messages of the window');
      expectTrue(
        messages.every(({ content }) => content !== ''),
        'no message without content stands in the window',
      );
    });
  },
});

const NOTE = {
  type: 'function',
  function: {
    name: 'save_note',
    description: 'Saves a note word for word.',
    parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  },
};

export const turnCut = defineCase({
  id: 'turn.cut',
  title: 'an answer that max_tokens cuts is stored without cut calls',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.tools'],
  checks: {
    'text-stored-as-delivered': 'turn.cut-text',
    'call-not-stored': 'turn.cut-call',
    'goes-on-after-call': 'turn.cut-call',
  },
  cost: turns(3, { promptTokens: 2_048, completionTokens: 64 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    await context.check('text-stored-as-delivered', async () => {
      const { content, finish } = await turn(context, id, [ordering(LONG_ANSWER)], { max_tokens: 12 });
      if (finish !== 'length') throw new Inconclusive(`a long answer ends with ${finish}`);
      expectEqual((await windowOf(api, id)).at(-1)?.content, content, 'the reply in the window');
    });
    await context.check('call-not-stored', async () => {
      const order = user(`Call save_note with the text "${LONG_ANSWER}".`);
      const { finish } = await turn(context, id, [order], { tools: [NOTE], tool_choice: 'required', max_tokens: 24 });
      if (finish !== 'length') throw new Inconclusive(`a long call ends with ${finish}`);
      const window = await windowOf(api, id);
      expectEqual(
        window.slice(2).map(({ role, content }) => [role, content]),
        [['user', order.content]],
        'what a turn whose call was cut adds to the window',
      );
    });
    await context.check('goes-on-after-call', async () => {
      await append(api, id, user('Never mind.'));
      await turn(context, id, [user('Say hello.')], { tools: [] });
    });
  },
});

const CALL_TOKENS = 64;

const MUST_CALL = { tool_choice: 'required', max_tokens: CALL_TOKENS };

const { messages: ASKING, tools: FORECAST } = FORECAST_REQUEST;

export const turnTools = defineCase({
  id: 'turn.tools',
  title: "a turn uses the session's tools or replaces them",
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
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { tools: FORECAST });
    await context.check('session-tools-used', async () => {
      const { calls } = await turn(context, id, ASKING, MUST_CALL);
      expectEqual(calls[0]?.function.name, FORECAST_NAME, 'the function that is called');
      for (const call of calls) await append(api, id, toolResult(call.id, 'sunny'));
    });
    const none = { tool_choice: 'none' };
    const before = await getSession(api, id);
    await context.check('absent-keeps', async () => {
      await turn(context, id, [user('Say hello.')], none);
      const { tools, usage } = await getSession(api, id);
      expectEqual(
        [tools, usage.tools_tokens],
        [before.tools, before.usage.tools_tokens],
        'the tools after a turn without',
      );
    });
    await context.check('refused-keeps', async () => {
      const status = await getSession(api, id);
      expectError(await sendTurn(context, id, [toolResult('call_none')], { tools: [TOOL] }), 'tool_result_orphan');
      expectEqual(await getSession(api, id), status, 'the session after a refused turn that brought tools');
    });
    const replaced = await turn(context, id, [user('Say hello.')], { ...none, tools: [TOOL, OTHER_TOOL] });
    await context.check('new-tools-stand', async () => {
      expectEqual((await getSession(api, id)).tools, [TOOL, OTHER_TOOL], 'the tools that came with a turn');
    });
    await context.check('new-tools-counted', async () => {
      const { usage } = await getSession(api, id);
      const fresh = await createSession(api, { tools: [TOOL, OTHER_TOOL] });
      expectEqual(usage.tools_tokens, fresh.usage.tools_tokens, 'the tokens of the tools');
      const messages = (await windowOf(api, id)).reduce((sum, { tokens }) => sum + tokens, 0);
      expectEqual(usage.total_tokens, usage.tools_tokens + messages, 'the usage of the session');
      const expected = usage.total_tokens - replaced.usage.completion_tokens - 1;
      expectEqual(replaced.usage.prompt_tokens, expected, 'the prompt of the turn that brought the tools');
    });
    await context.check('empty-list-removes', async () => {
      await turn(context, id, [user('Say hello.')], { tools: [] });
      const { tools, usage } = await getSession(api, id);
      expectEqual([tools, usage.tools_tokens], [[], 0], 'the tools after a turn that took them away');
    });
  },
});

/** Turns until the model has called something, and answers its calls. @returns the ids of the calls */
async function called(context: CaseContext<string>, id: string, more: object = {}): Promise<Turn> {
  const answer = await turn(context, id, ASKING, { ...MUST_CALL, ...more });
  expectTrue(answer.calls.length > 0, `a turn that must call something ends with ${answer.finish} and calls nothing`);
  return answer;
}

const numbered = (calls: Turn['calls'], from: number) =>
  calls.map(({ function: { name } }, place) => `functions.${name}:${from + place}`);

export const turnToolCalls = defineCase({
  id: 'turn.tool-calls',
  title: 'calls are numbered over the life of a session',
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
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { tools: FORECAST });
    const first = await called(context, id);
    const count = first.calls.length;
    await context.check('call-stored', async () => {
      const stored = (await windowOf(api, id)).at(-1);
      const shown = (calls: typeof first.calls = []) => calls.map((call) => ({ id: call.id, call: call.function }));
      expectEqual(shown(stored?.tool_calls as typeof first.calls), shown(first.calls), 'the calls of the stored reply');
    });
    await context.check('first-ids', () => {
      expectEqual(
        first.calls.map((call) => call.id),
        numbered(first.calls, 0),
        'the ids of the first calls',
      );
    });
    await context.check('open-until-answered', async () => {
      expectError(await sendTurn(context, id, [user('Never mind.')]), 'tool_call_unanswered');
    });
    await context.require('result-accepted', async () => {
      for (const call of first.calls) await append(api, id, toolResult(call.id, 'sunny'));
    });
    await context.check('goes-on-from-result', async () => {
      const { content, session } = await turn(context, id, [], { tool_choice: 'none' });
      expectTrue(content !== '', 'the model says something about the result');
      expectEqual(session.usage.messages, 2 + count + 1, 'the messages of the window');
    });
    await context.check('next-ids', async () => {
      const { calls } = await called(context, id);
      expectEqual(
        calls.map((call) => call.id),
        numbered(calls, count),
        'the ids of the next calls',
      );
    });
  },
});

export const turnCallIdsKept = defineCase({
  id: 'turn.call-ids-kept',
  title: 'a rollback does not restart the call numbers',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback', 'chat', 'chat.tools'],
  checks: { 'counted-over-rollback': 'turn.call-ids' },
  cost: turns(2, { completionTokens: 128 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { tools: FORECAST, messages: [user('Hello.')] });
    const { snapshot_id } = await createSnapshot(api, id);
    const first = await called(context, id);
    expectSuccess(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
    await context.check('counted-over-rollback', async () => {
      const { calls } = await called(context, id);
      expectEqual(
        calls.map((call) => call.id),
        numbered(calls, first.calls.length),
        'the ids of the calls after a rollback',
      );
    });
  },
});
