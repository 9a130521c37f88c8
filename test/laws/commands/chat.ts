import fc from 'fast-check';
import { expect } from 'vitest';
import type { ChatCompletion } from '../../../contract/chat.ts';
import { contentText, type InputMessage } from '../../../contract/messages.ts';
import type { SessionMessage } from '../../../contract/sessions.ts';
import { toolsTokens } from '../../../emulator/engines/tokens/prompt.ts';
import { MODEL, type Reply } from '../../support/emulator.ts';
import { type Answer, readAnswer, readStream } from '../answers.ts';
import { onSession, place } from '../command.ts';
import { expectRefusal, expectSession, listAll } from '../expectations.ts';
import { plans, text, toMessages, tools } from '../plans.ts';
import { type Content, openCalls, type SessionState, totalOf } from '../state.ts';
import { LIMITS, type Script, type World } from '../world.ts';
import { appendFault, named, orderFault, type Unnamed, written } from '../write.ts';

const said = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(
      text.map((words) => ({ type: 'text' as const, text: words })),
      { maxLength: 3 },
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: 1, max: 2 })
      .map((count) =>
        Array.from({ length: count }, () => ({ type: 'tool_call' as const, name: 'look', arguments: '{"at":"sea"}' })),
      ),
  },
  { weight: 1, arbitrary: fc.constant('fails' as const) },
) satisfies fc.Arbitrary<Script>;

export const chat = fc
  .record({
    session: place,
    planned: fc.oneof(plans, fc.constant([])),
    said,
    max_tokens: fc.constantFrom(1, 6, 100, 400),
    stream: fc.boolean(),
    partial: fc.nat(5).map((value) => value === 0),
    tools: fc.option(tools, { nil: undefined, freq: 2 }),
  })
  .map((values) =>
    onSession(values, 'chat', async (session, state, world) => {
      const content = withTools(world, session.content, values.tools);
      const beginning: InputMessage[] = values.partial ? [{ role: 'assistant', content: 'It is', partial: true }] : [];
      const messages = [...toMessages(content, values.planned), ...beginning];
      const news = written(world.tokenizer, state, content, messages);
      const { max_tokens, stream } = values;
      world.script = values.said;
      const body = { model: MODEL, session_id: session.id, messages, max_tokens, stream, tools: values.tools };
      const reply = await world.api.post<ChatCompletion>('/v1/chat/completions', body, { key: session.account });

      const promptTokens =
        totalOf(content) + news.reduce((sum, { tokens }) => sum + tokens, 0) + (values.partial ? -1 : 3);
      const fault = turnFault(content, messages, news, promptTokens + max_tokens + 1);
      if (fault !== undefined) return expectRefusal(world, state, reply as never, fault);
      if (values.said === 'fails') {
        expect(reply.status).toBe(500);
        return expectSession(world, session);
      }
      const answer = stream ? readStream(reply.text) : readAnswer(reply.body);
      expect(answer.promptTokens).toBe(promptTokens);
      expect(answer.completionTokens).toBeLessThanOrEqual(max_tokens);
      await commit(world, session, content, [...news], answer, values.partial, state.groups + 1);
      state.groups += 1;
      await expectSession(world, session);
    }),
  );

/** What the contract has a turn store, checked against the state that the answer names. */
async function commit(
  world: World,
  session: SessionState,
  before: Content,
  news: Unnamed[],
  answer: Answer,
  partial: boolean,
  group: number,
): Promise<void> {
  const whole = answer.calls.length > 0 ? answer.finish !== 'length' : answer.content !== '';
  const begun = partial ? news.pop() : undefined;
  if (whole) {
    const tool_calls = answer.calls.map(({ id, function: call }) => ({
      id,
      type: 'function' as const,
      function: call,
    }));
    news.push({
      body: {
        role: 'assistant',
        content: contentText(begun?.body.content) + answer.content,
        ...(tool_calls.length > 0 && { tool_calls }),
      },
      tokens: (begun?.tokens ?? 4) + answer.completionTokens,
      pinned: false,
      truncated: false,
      summary: false,
      group,
    });
  } else if (begun) {
    news.push(begun);
  }
  const listed = await listAll<SessionMessage>(world, `/v1/sessions/${session.id}/messages`, session.account);
  const ids = listed.slice(before.messages.length).map((message) => message.id);
  const messages = [...before.messages, ...named(news, ids)];
  const toolsChanged = before.tools.length !== session.content.tools.length;
  if (news.length > 0 || toolsChanged) session.version += 1;
  session.content = { ...before, messages };
  const total = totalOf(session.content);
  expect(answer.session).toMatchObject({ id: session.id, version: session.version, usage: { total_tokens: total } });
  if (whole) expect(total).toBe(answer.promptTokens + answer.completionTokens + 1);
}

function turnFault(content: Content, messages: readonly InputMessage[], news: readonly Unnamed[], requested: number) {
  const fault = appendFault(content, messages, news, 0);
  if (messages.length === 0 && content.messages.length === 0) return 'invalid_request';
  if (fault === 'invalid_request' || orderFault(content, messages) !== undefined) return fault;
  if (openCalls([...content.messages, ...news.map((message) => ({ ...message, id: '' }))]).length > 0) {
    return 'tool_call_unanswered';
  }
  return fault ?? (requested > LIMITS.window_tokens ? 'context_window_exceeded' : undefined);
}

function withTools(world: World, content: Content, replaced: Content['tools'] | undefined): Content {
  if (replaced === undefined) return content;
  return { ...content, tools: replaced, toolsTokens: toolsTokens(world.tokenizer, replaced) };
}

const abandon = fc.record({ session: place }).map((values) =>
  onSession(values, 'abandon', async (session, state, world) => {
    const { content, account: key } = session;
    if (openCalls(content.messages).length > 0 || totalOf(content) > LIMITS.window_tokens - 200) return;
    world.script = 'waits';
    const messages = [{ role: 'user', content: 'hello' }];
    const body = JSON.stringify({ model: MODEL, session_id: session.id, messages, max_tokens: 10, stream: true });
    const headers = { 'Content-Type': 'application/json' };
    const response = await world.api.open('POST', '/v1/chat/completions', body, { key, headers });
    const path = `/v1/sessions/${session.id}`;
    const busy: Reply = await world.api.post(`${path}/messages`, { messages }, { key });
    await expectRefusal(world, state, busy, 'session_busy');
    await response.body?.cancel();
    let idle: Reply;
    do idle = await world.api.post(`${path}/truncate`, { preserve_len: LIMITS.window_tokens, dry_run: true }, { key });
    while (idle.status === 409);
    await expectSession(world, session);
  }),
);

export const chatSteps = [
  { weight: 8, arbitrary: chat },
  { weight: 1, arbitrary: abandon },
];
