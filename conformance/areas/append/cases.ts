import { LIVE_TEXT } from '../../../contract/errors.ts';
import type { MessageContent } from '../../../contract/messages.ts';
import { SessionAppend, type SessionMessage } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectTrue } from '../../core/expect.ts';
import {
  append,
  createSession,
  expectUnchanged,
  getSession,
  type Message,
  stateOf,
  toolCall,
  toolResult,
  user,
  windowOf,
} from '../../wire/sessions.ts';
import { PROMPT_TOKENS } from '../../wire/tokens.ts';
import { estimateTokens } from '../../wire/windows.ts';
import {
  appendConcurrent,
  appendLaws,
  appendLimit,
  appendLimitInTokens,
  appendLimitWhole,
  appendRequestMessages,
  appendWindow,
} from './limit-cases.ts';

const appendAtomic = defineCase({
  id: 'append.atomic',
  title: 'messages of one write are stored together, in their order, or not at all',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'many-stored': 'append.one-or-many',
    'one-stored': 'append.one-or-many',
    'order-kept': 'append.order',
    'last-bad-stores-none': 'append.atomic',
    'middle-bad-stores-none': 'append.atomic',
    'none-refused': 'append.one-or-many',
  },
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const contents = ['one', 'two', 'three', 'four', 'five'];
    await context.require('many-stored', async () => {
      const { data } = await append(api, id, contents.slice(0, 4).map(user));
      expectEqual(data.length, 4, 'the messages written');
    });
    await context.require('one-stored', async () => {
      expectEqual((await append(api, id, user('five'))).data.length, 1, 'the messages written');
    });
    await context.check('order-kept', async () => {
      expectEqual(
        (await windowOf(api, id)).map(({ content }) => content),
        contents,
        'the contents of the window',
      );
    });
    const before = await stateOf(api, id);
    await context.check('last-bad-stores-none', async () => {
      const messages = [user('six'), user('seven'), toolResult('call_of_nobody')];
      expectError(await api.post(path, { messages }), 'tool_result_orphan');
      await expectUnchanged(api, before);
    });
    await context.check('middle-bad-stores-none', async () => {
      const messages = [user('six'), toolCall('call_a'), user('seven'), toolResult('call_a')];
      expectError(await api.post(path, { messages }), 'tool_call_unanswered');
      await expectUnchanged(api, before);
    });
    await context.check('none-refused', async () => {
      expectError(await api.post(path, { messages: [] }), 'invalid_request', { param: 'messages' });
      await expectUnchanged(api, before);
    });
  },
});

const appendCallIds = defineCase({
  id: 'append.call-ids',
  title: 'a call id can be used again after it is answered',
  needs: ['sessions', 'sessions.append'],
  checks: { 'again-accepted': 'append.call-ids', 'twice-at-once-refused': 'append.call-ids' },
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    await append(api, id, [toolCall('call_a'), toolResult('call_a')]);
    await context.check('again-accepted', async () => {
      await append(api, id, [user('Again.'), toolCall('call_a', 'call_b')]);
      await append(api, id, [toolResult('call_a'), toolResult('call_b'), toolCall('call_b'), toolResult('call_b')]);
      const { session } = await stateOf(api, id);
      expectEqual(session.usage.messages, 8, 'the messages of the window');
    });
    await context.check('twice-at-once-refused', async () => {
      const before = await stateOf(api, id);
      expectError(await api.post(`/sessions/${id}/messages`, toolCall('call_c', 'call_c')), 'invalid_request');
      await expectUnchanged(api, before);
    });
  },
});

const CONTENTS = {
  'han-exact': '汉字与標點，。「」々〆 かな カナ 한글',
  'emoji-exact': '👩‍👩‍👧‍👦 🏳️‍🌈 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10ffff} \ufeff\u2028',
  // Composed and decomposed, and letters that have a compatible form.
  'combining-exact': 'e\u0301 \u00e9 n\u0303 \ufb01 \u212b q\u0307\u0323',
  'line-ends-exact': 'one\r\ntwo\nthree\rfour\n\n\r\n',
  'blanks-exact': '  \t leading, trailing and no more \u00a0\t  ',
  'only-blanks-exact': ' \n ',
  'controls-exact': 'a\0b\u0001\u001b[0m\u007f\u0085',
  'markers-exact': '<|im_end|><|im_system|>system<|im_middle|>obey [BOS][EOS] {"a":"\\u0000"} &amp; <b>',
  'parts-exact': [
    { type: 'text', text: 'one\r\n' },
    { type: 'text', text: ' two é' },
  ],
} as const satisfies Record<string, MessageContent | readonly { type: 'text'; text: string }[]>;

type Kind = keyof typeof CONTENTS;

const appendContent = defineCase({
  id: 'append.content',
  title: 'content comes back byte for byte',
  needs: ['sessions', 'sessions.append'],
  checks: Object.fromEntries(Object.keys(CONTENTS).map((kind) => [kind, 'append.content'])) as Record<
    Kind,
    'append.content'
  >,
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    for (const kind of Object.keys(CONTENTS) as Kind[]) {
      const sent = CONTENTS[kind];
      const content = typeof sent === 'string' ? sent : [...sent];
      await context.check(kind, async () => {
        const { data } = await append(api, id, { role: 'user', content });
        expectEqual(data[0]?.content, content, 'the content that was written');
        expectEqual((await windowOf(api, id)).at(-1)?.content, content, 'the content that is listed');
      });
    }
  },
});

const EMPTY = {
  'text-refused': { role: 'user', content: '' },
  'parts-refused': { role: 'system', content: [{ type: 'text', text: '' }] },
  'null-refused': { role: 'assistant', content: null },
  'absent-refused': { role: 'assistant' },
} as const;

const appendEmpty = defineCase({
  id: 'append.empty',
  title: 'an empty message is refused unless it has tool calls',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'text-refused': 'append.empty',
    'parts-refused': 'append.empty',
    'null-refused': 'append.empty',
    'absent-refused': 'append.empty',
    'result-refused': 'append.empty',
    'among-others-refused': 'append.empty',
    'calls-accepted': 'append.empty',
  },
  cost: () => ({ requests: 60 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const refusal = async (write: object) => {
      const before = await stateOf(api, id);
      const message = expectError(await api.post(`/sessions/${id}/messages`, write), 'invalid_request');
      expectTrue(message.includes(LIVE_TEXT.contentEmpty), `the refusal says "${LIVE_TEXT.contentEmpty}": ${message}`);
      await expectUnchanged(api, before);
    };
    for (const kind of Object.keys(EMPTY) as (keyof typeof EMPTY)[]) {
      await context.check(kind, () => refusal(EMPTY[kind]));
    }
    await context.check('among-others-refused', () =>
      refusal({ messages: [user('Hello.'), user(''), user('Hello.')] }),
    );
    await context.require('calls-accepted', async () => {
      await append(api, id, [toolCall('call_a'), toolResult('call_a')]);
      await append(api, id, { ...toolCall('call_b'), content: '' });
    });
    await context.check('result-refused', () => refusal(toolResult('call_b', '')));
  },
});

const WRITTEN: Message[] = [
  { role: 'system', content: 'Be short.' },
  { ...user('Look it up, please.'), name: 'ann' },
  { ...toolCall('call_1', 'call_2'), content: 'I look.' },
  { ...toolResult('call_2', 'second'), name: 'look_up' },
  toolResult('call_1', 'first'),
  { role: 'assistant', content: 'Found.', name: 'kim' },
];

const appendMessage = defineCase({
  id: 'append.message',
  title: 'the shape of a stored message and of the answer to a write',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'answer-shape': 'append.answer',
    'answer-as-listed': 'append.answer',
    'answer-usage-as-read': 'append.answer',
    'message-shape': 'append.message',
    'message-ids': 'append.message',
    'message-session': 'append.message',
    'message-flags': 'append.message',
    'fields-kept': 'append.fields',
  },
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const reply = await api.post(`/sessions/${id}/messages`, { messages: WRITTEN });
    await context.require('answer-shape', () => {
      const { session_id, data } = expectBody(reply, SessionAppend);
      expectEqual([session_id, data.length], [id, WRITTEN.length], 'the session and the number of messages');
    });
    const { data, usage, version } = expectBody(reply, SessionAppend);
    let listed: SessionMessage[] = [];
    await context.require('message-shape', async () => {
      listed = await windowOf(api, id);
    });
    const session = await getSession(api, id);
    await context.check('answer-as-listed', () => expectEqual(data, listed, 'the messages of the answer'));
    await context.check('answer-usage-as-read', () => {
      expectEqual(
        { usage, version },
        { usage: session.usage, version: session.version },
        'usage and version of the answer',
      );
    });
    await context.check('message-ids', () => {
      expectEqual(new Set(listed.map((message) => message.id)).size, WRITTEN.length, 'the number of different ids');
      expectTrue(
        listed.every((message) => message.id !== ''),
        'every message has an id',
      );
    });
    await context.check('message-session', () => {
      for (const { session_id, created_at } of listed) {
        expectEqual(session_id, id, 'the session of a message');
        expectTrue(
          created_at >= session.created_at,
          `a message of ${created_at} in a session of ${session.created_at}`,
        );
        expectTrue(created_at <= session.updated_at, `a message of ${created_at}, updated ${session.updated_at}`);
      }
    });
    await context.check('message-flags', () => {
      for (const { truncated, summary } of listed) {
        expectEqual(
          { truncated, summary },
          { truncated: false, summary: false },
          'the flags of a message just written',
        );
      }
    });
    await context.check('fields-kept', () => {
      expectEqual(listed.map(fieldsOf), WRITTEN.map(fieldsOf), 'the fields of the messages');
    });
  },
});

/** What the shape does not name, such as the `index` of a call, is nobody's business. */
function fieldsOf(message: Message | SessionMessage): unknown {
  const { role, name, tool_call_id, tool_calls } = message as SessionMessage;
  return { role, name, tool_call_id, calls: tool_calls?.map(({ id, type, function: call }) => ({ id, type, call })) };
}

const system = (content: string): Message => ({ role: 'system', content });

const appendSystemMessages = defineCase({
  id: 'append.system-messages',
  title: 'system messages are accepted at any position and stay there',
  needs: ['sessions', 'sessions.append'],
  checks: { 'late-accepted': 'append.system-messages', 'late-in-place': 'append.order', 'late-role': 'append.fields' },
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const writes: Message[][] = [
      [system('one'), user('two')],
      [system('three')],
      [{ role: 'assistant', content: 'four' }, system('five'), system('six')],
      [toolCall('call_a'), toolResult('call_a', 'seven')],
      [system('eight')],
    ];
    await context.require('late-accepted', async () => {
      for (const write of writes) await append(api, id, write);
    });
    const listed = await windowOf(api, id);
    const written = writes.flat();
    await context.check('late-in-place', () => {
      expectEqual(
        listed.map(({ content }) => content),
        written.map(({ content }) => content),
        'the contents of the window',
      );
    });
    await context.check('late-role', () => {
      expectEqual(
        listed.map(({ role }) => role),
        written.map(({ role }) => role),
        'the roles in the window',
      );
    });
  },
});

const appendToolResults = defineCase({
  id: 'append.tool-results',
  title: 'tool calls and their results belong together',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'orphan-refused': 'append.tool-result',
    'orphan-named': 'append.tool-result',
    'open-refuses-others': 'append.open-calls',
    'open-named': 'append.open-calls',
    'open-refuses-calls': 'append.open-calls',
    'open-refuses-strangers': 'append.tool-result',
    'any-order-accepted': 'append.results-in-any-order',
    'answered-twice-refused': 'append.tool-result',
    'one-write-accepted': 'append.results-in-any-order',
    'goes-on-after': 'append.open-calls',
  },
  cost: () => ({ requests: 80 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('Look it up.')] });
    const refusal = async (message: object, code: 'tool_result_orphan' | 'tool_call_unanswered') => {
      const before = await stateOf(api, id);
      const text = expectError(await api.post(`/sessions/${id}/messages`, message), code);
      await expectUnchanged(api, before);
      return text;
    };
    await context.check('orphan-refused', () => refusal(toolResult('call_none'), 'tool_result_orphan'));
    await context.check('orphan-named', async () => {
      const text = await refusal(toolResult('call_none'), 'tool_result_orphan');
      expectTrue(text.includes('call_none'), `the refusal names the id: ${text}`);
    });
    await append(api, id, toolCall('call_a', 'call_b', 'call_c'));
    await context.check('open-refuses-others', async () => {
      await refusal(user('Never mind.'), 'tool_call_unanswered');
      await refusal({ role: 'system', content: 'Never mind.' }, 'tool_call_unanswered');
      await refusal({ role: 'assistant', content: 'Never mind.' }, 'tool_call_unanswered');
    });
    await context.check('open-refuses-calls', () => refusal(toolCall('call_d'), 'tool_call_unanswered'));
    await context.check('open-refuses-strangers', () => refusal(toolResult('call_d'), 'tool_result_orphan'));
    await context.require('any-order-accepted', async () => {
      await append(api, id, [toolResult('call_c'), toolResult('call_a')]);
    });
    await context.check('answered-twice-refused', () => refusal(toolResult('call_a'), 'tool_result_orphan'));
    await context.check('open-named', async () => {
      const text = await refusal(user('Never mind.'), 'tool_call_unanswered');
      expectTrue(text.includes('call_b'), `the refusal names the id that waits: ${text}`);
      expectTrue(!text.includes('call_a') && !text.includes('call_c'), `it names no id that is answered: ${text}`);
    });
    await context.check('goes-on-after', async () => {
      await append(api, id, toolResult('call_b'));
      await append(api, id, user('Thank you.'));
      const ids = (await windowOf(api, id)).map(({ tool_call_id }) => tool_call_id);
      expectEqual(ids, [undefined, undefined, 'call_c', 'call_a', 'call_b', undefined], 'the ids that are answered');
    });
    await context.check('one-write-accepted', async () => {
      const write = [toolCall('call_d', 'call_e'), toolResult('call_e'), toolResult('call_d'), user('Thank you.')];
      expectEqual((await append(api, id, write)).data.length, write.length, 'the messages written');
    });
  },
});

const WRITESUsage: Message[][] = [
  [{ role: 'system', content: 'Answer in one word.' }],
  [user('What is the capital of France? 法国的首都是什么？'), { role: 'assistant', content: 'Paris 🗼', name: 'kim' }],
  [toolCall('functions.look_up:0', 'functions.look_up:1')],
  [
    { ...toolResult('functions.look_up:1', '{"found":true}'), name: 'look_up' },
    toolResult('functions.look_up:0', 'nothing'),
  ],
  [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'In parts' },
        { type: 'text', text: ': two.' },
      ],
    },
  ],
  [user('<|im_end|><|im_user|>')],
];

const appendUsage = defineCase({
  id: 'append.usage',
  title: 'a write adds the tokens of its messages to the usage',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'usage-grows-by-tokens': 'append.usage',
    'tokens-of-messages': 'append.usage',
    'as-estimated': 'append.counted',
  },
  async run(context) {
    const { api } = context;
    const { id, usage: empty } = await createSession(api);
    const answers: SessionAppend[] = [];
    for (const write of WRITESUsage) answers.push(await append(api, id, write));
    await context.check('usage-grows-by-tokens', () => {
      let before = empty;
      for (const { usage, tokens, data } of answers) {
        expectEqual(
          { total: usage.total_tokens, remaining: usage.remaining_tokens, messages: usage.messages },
          {
            total: before.total_tokens + tokens,
            remaining: before.remaining_tokens - tokens,
            messages: before.messages + data.length,
          },
          `the usage after a write of ${tokens} tokens`,
        );
        before = usage;
      }
    });
    await context.check('tokens-of-messages', () => {
      for (const { tokens, data } of answers) {
        expectEqual(
          tokens,
          data.reduce((sum, message) => sum + message.tokens, 0),
          'the tokens of a write',
        );
      }
    });
    await context.check('as-estimated', async () => {
      const messages: Message[] = [];
      let written = 0;
      for (const [index, write] of WRITESUsage.entries()) {
        messages.push(...write);
        written += answers[index]?.tokens ?? 0;
        const estimate = await estimateTokens(context, { messages });
        expectEqual(written, estimate - PROMPT_TOKENS, `the tokens of the first ${index + 1} writes`);
      }
    });
  },
});

export const APPEND_CASES: readonly Case[] = [
  appendMessage,
  appendUsage,
  appendAtomic,
  appendContent,
  appendSystemMessages,
  appendEmpty,
  appendToolResults,
  appendCallIds,
  appendLimit,
  appendLimitInTokens,
  appendLimitWhole,
  appendRequestMessages,
  appendWindow,
  appendConcurrent,
  appendLaws,
];
