import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectTrue } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import { completeChat, costOfChats, FORECAST_REQUEST, replyExactly, sendChat, streamChat } from '../../wire/chat.ts';
import type { Reply } from '../../wire/reply.ts';
import { toolCall, toolResult, user } from '../../wire/sessions.ts';
import { TOOL } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';

/** What a request is answered with does not depend on whether it is streamed: each row is sent both ways. */

type Body = (context: CaseContext<string>, session: string) => object;

const HELLO = [user('Reply with the word OK only.')];
const of =
  (fields: object): Body =>
  () =>
    fields;
const inSession =
  (fields: object): Body =>
  (_, session_id) => ({ session_id, messages: HELLO, ...fields });

/** Chats that are refused, of no session and in one. */
export const REFUSED: Readonly<Record<string, Body>> = {
  'model-unknown': of({ model: 'kimi-nobody-has-this', messages: HELLO }),
  'no-messages': of({ messages: [] }),
  'content-empty': of({ messages: [user('')] }),
  'assistant-empty': of({ messages: [...HELLO, { role: 'assistant', content: '' }, ...HELLO] }),
  'role-unknown': of({ messages: [{ role: 'developer', content: 'Be brief.' }, ...HELLO] }),
  'result-orphan': of({ messages: [...HELLO, toolResult('call_gone')] }),
  'call-unanswered': of({ messages: [...HELLO, { ...toolCall('call_1'), reasoning_content: 'So.' }, ...HELLO] }),
  'temperature-high': of({ messages: HELLO, temperature: 3 }),
  'stops-six': of({ messages: HELLO, stop: ['a', 'b', 'c', 'd', 'e', 'f'] }),
  'tools-twice': of({ messages: HELLO, tools: [TOOL, TOOL] }),
  'format-unknown': of({ messages: HELLO, response_format: { type: 'bogus' } }),
  'window-exceeded': ({ limits }) => ({ messages: HELLO, max_tokens: limits.window_tokens }),
  'session-unknown': of({ session_id: 'sess_kimiconformanceneverknown', messages: HELLO }),
  'session-choices': inSession({ n: 2 }),
  'session-result-orphan': inSession({ messages: [toolResult('call_gone')] }),
  'session-content-empty': inSession({ messages: [user('')] }),
  'session-empty': inSession({ messages: [] }),
  'session-window': (context, session) => inSession({ max_tokens: context.limits.window_tokens })(context, session),
};

/** Whose answers hold something that can be told of any text. */
export const OBEYED: Readonly<Record<string, { fields: object; judge: (text: string, calls: number) => void }>> = {
  'json-object': {
    fields: {
      messages: [user('Give the capital of France as JSON with the key "capital". The capital is Paris.')],
      response_format: { type: 'json_object' },
    },
    judge: (text) => {
      try {
        expectTrue(typeof JSON.parse(text) === 'object', `the content is a JSON object: ${text}`);
      } catch {
        throw new Mismatch(`the content is not JSON: ${text}`);
      }
    },
  },
  'tool-choice-none': {
    fields: { ...FORECAST_REQUEST, tool_choice: 'none' },
    judge: (_, calls) => expectEqual(calls, 0, 'calls with tool_choice none'),
  },
  stop: {
    fields: { messages: replyExactly('one STOP two'), stop: ['STOP'] },
    judge: (text) => expectTrue(!text.includes('STOP'), `the stop string is not shown: ${text}`),
  },
};

function errorOf({ json, what }: Reply): unknown {
  const { error } = (json ?? {}) as { error?: unknown };
  if (!error) throw new Mismatch(`${what}: not an error in JSON`);
  return error;
}

/** @param rows by name; those of a turn begin with "session" */
function refusedCase(
  id: string,
  title: string,
  rule: WireRuleId,
  rows: readonly [string, Body][],
  sessions: boolean,
): Case {
  return defineCase<string>({
    id,
    title,
    needs: ['chat', 'chat.stream', 'chat.tools', ...(sessions ? ['sessions' as const] : [])],
    checks: Object.fromEntries(rows.map(([name]) => [name, rule])),
    cost: () => ({ requests: 2 * rows.length + 1 }),
    async run(context) {
      const session = sessions ? (await context.api.createSession()).id : '';
      for (const [name, body] of rows) {
        await context.check(name, async () => {
          // By its key a broken server of the proof knows the row.
          const fields = { prompt_cache_key: name, ...body(context, session) };
          const whole = await sendChat(context, fields);
          const streamed = await sendChat(context, { ...fields, stream: true });
          expectTrue(whole.status >= 400, `${whole.what}: it is refused where it is not streamed`);
          expectEqual(
            [streamed.status, errorOf(streamed)],
            [whole.status, errorOf(whole)],
            'status and error, streamed',
          );
          const type = streamed.headers.get('content-type') ?? '';
          expectTrue(type.startsWith('application/json'), `the refusal is JSON: ${type}`);
        });
      }
    },
  });
}

const rowsOf = (sessions: boolean) =>
  Object.entries(REFUSED).filter(([name]) => name.startsWith('session') === sessions);
const refused = refusedCase(
  'stream.refused-alike',
  'a chat that is refused is refused in the same words where it was to be streamed',
  'stream.refusal',
  rowsOf(false),
  false,
);
const turnRefused = refusedCase(
  'turn.refused-alike',
  'a turn that is refused is refused in the same words where it was to be streamed',
  'turn.stream-refusal',
  rowsOf(true),
  true,
);

const obeyed = defineCase<string>({
  id: 'stream.obeyed-alike',
  title: 'a streamed answer obeys what the request asks for, as one that is not streamed',
  needs: ['chat', 'chat.stream', 'chat.tools', 'chat.json'],
  checks: {
    ...Object.fromEntries(Object.keys(OBEYED).map((name) => [name, 'stream.obeys' as const])),
    'request-id': 'errors.request-id',
    model: 'chat.model-echo',
  },
  cost: () => ({ promptTokens: 1_024, completionTokens: 6 * 128 }),
  async run(context) {
    const { check, target } = context;
    for (const [name, { fields, judge }] of Object.entries(OBEYED)) {
      await check(name, async () => {
        const { text, chunks } = await streamChat(context, fields);
        const deltas = chunks.flatMap(({ choices }) => choices).map(({ delta }) => delta.tool_calls);
        judge(text, deltas.filter((calls) => Array.isArray(calls) && calls.length > 0).length);
      });
    }
    const { reply, chunks } = await streamChat(context, { messages: HELLO });
    await check('request-id', () => {
      const id = reply.headers.get('msh-request-id') ?? '';
      expectTrue(id !== '', `${reply.what}: a stream without Msh-Request-Id`);
    });
    await check('model', () => {
      const named = new Set(chunks.map(({ model }) => model));
      expectEqual([...named], [target.model], 'the model that the chunks name');
    });
  },
});

const ALIAS = 'kimi-k2-0905';

const alias = defineCase({
  id: 'stream.alias',
  title: 'the chunks of a stream name the model as the request does',
  needs: ['chat', 'chat.stream'],
  checks: { echoed: 'chat.model-alias' },
  cost: costOfChats(1),
  async run({ check }, context) {
    const { chunks } = await streamChat(context, { messages: HELLO, model: ALIAS });
    await check('echoed', () => expectEqual([...new Set(chunks.map(({ model }) => model))], [ALIAS], 'the model'));
  },
});

const turnAlias = defineCase({
  id: 'turn.alias',
  title: 'the answer of a turn names the model as the request does, streamed or not',
  needs: ['sessions', 'chat', 'chat.stream'],
  checks: { whole: 'chat.model-alias', streamed: 'chat.model-alias' },
  cost: costOfChats(2),
  async run({ api, check }, context) {
    const { id } = await api.createSession({ model: ALIAS });
    const body = { session_id: id, messages: HELLO, model: ALIAS };
    await check('whole', async () => {
      const { reply } = await completeChat(context, body);
      expectEqual((reply.json as { model?: unknown }).model, ALIAS, 'the model of the answer');
    });
    await check('streamed', async () => {
      const { chunks } = await streamChat(context, body);
      expectEqual([...new Set(chunks.map(({ model }) => model))], [ALIAS], 'the model of the chunks');
    });
  },
});

export const SAME_CASES: readonly Case[] = [refused, turnRefused, obeyed, alias, turnAlias];
