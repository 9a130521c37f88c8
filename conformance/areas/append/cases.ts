import { contentText } from '../../../contract/content-text.ts';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import type { MessageContent } from '../../../contract/messages.ts';
import { Session, SessionAppend, type SessionMessage } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { Inconclusive } from '../../core/verdict.ts';
import type { Reply } from '../../wire/reply.ts';
import {
  append,
  chat,
  createSession,
  createSnapshot,
  expectUnchanged,
  getSession,
  type Message,
  type State,
  stateOf,
  toolCall,
  toolResult,
  user,
  windowOf,
} from '../../wire/sessions.ts';
import { PROMPT_TOKENS } from '../../wire/tokens.ts';
import { estimateTokens, fillWindow } from '../../wire/windows.ts';

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
  title: 'the id of a call is free again once it has been answered',
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

const WRITES = 8;

const appendConcurrent = defineCase({
  id: 'append.concurrent',
  title: 'of writes at the same time exactly those that were accepted stand in the window',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'each-answered': 'append.concurrent',
    'accepted-stand': 'append.concurrent',
    'writes-stay-together': 'append.atomic',
    'usage-adds-up': 'append.usage',
    'versions-differ': 'append.concurrent',
  },
  async run(context) {
    const { api } = context;
    const { id, usage } = await createSession(api);
    const write = (index: number) => ({ messages: [user(`Write ${index}, one`), user(`Write ${index}, two`)] });
    const replies = await Promise.all(
      Array.from({ length: WRITES }, (_, index) => api.post(`/sessions/${id}/messages`, write(index))),
    );
    const isAccepted = (reply: Reply | undefined) => reply !== undefined && reply.status < 300;
    const accepted = replies.filter(isAccepted).map((reply) => expectBody(reply, SessionAppend));
    await context.check('each-answered', async () => {
      for (const reply of replies) if (!isAccepted(reply)) expectError(reply, 'session_busy');
      expectTrue(accepted.length > 0, 'at least one of the writes is accepted');
      await append(api, id, user('The last.'));
    });
    const { session, messages } = await stateOf(api, id);
    const stand = messages.slice(0, -1).map(({ content }) => String(content));
    await context.check('accepted-stand', () => {
      const expected = replies.flatMap((reply, index) =>
        isAccepted(reply) ? write(index).messages.map(({ content }) => String(content)) : [],
      );
      expectEqual([...stand].sort(), expected.sort(), 'the messages that stand in the window');
    });
    await context.check('writes-stay-together', () => {
      for (const [index, content] of stand.entries()) {
        if (index % 2 === 0) expectEqual(stand[index + 1], content.replace('one', 'two'), `what follows "${content}"`);
      }
    });
    await context.check('usage-adds-up', () => {
      const written = accepted.reduce((sum, { tokens }) => sum + tokens, 0) + (messages.at(-1)?.tokens ?? 0);
      expectEqual(session.usage.total_tokens - usage.total_tokens, written, 'the tokens written');
    });
    await context.check('versions-differ', () => {
      const versions = accepted.map(({ version }) => version);
      expectEqual(new Set(versions).size, versions.length, 'the number of different versions');
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
  title: 'a message that says nothing is refused, unless it calls tools',
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

const TOOL = {
  type: 'function',
  function: { name: 'look_up', description: 'Looks a word up.', parameters: { type: 'object' } },
};

const appendLaws = defineCase({
  id: 'append.laws',
  title: 'usage is the sum of what is listed, and the history stays sound, whatever is done',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.append.stream',
    'sessions.truncate',
    'sessions.snapshot',
    'sessions.rollback',
    'sessions.compress',
    'chat',
    'tokens.estimate',
  ],
  checks: { 'usage-is-the-sum': 'append.usage-sum', 'history-is-sound': 'append.sound-history' },
  cost: ({ min_preserve_tokens }) => ({ requests: 80, promptTokens: 8 * min_preserve_tokens, completionTokens: 16 }),
  async run(context) {
    const { api, limits, target, texts } = context;
    const least = limits.min_preserve_tokens;
    const { id } = await createSession(api, { tools: [TOOL], messages: [{ role: 'system', content: 'Be short.' }] });
    const path = `/sessions/${id}`;
    const states: [string, State][] = [['a creation', await stateOf(api, id)]];
    const after = async (what: string) => states.push([what, await stateOf(api, id)]);
    const fill = async (): Promise<Message> => user(await texts.exactly(Math.min(least, limits.append_tokens)));
    const group = (...ids: string[]) => [toolCall(...ids), ...ids.map((call) => toolResult(call, 'found')).reverse()];

    await append(api, id, [user('Hello.'), ...group('call_a', 'call_b')]);
    await after('a write');
    expectSuccess(
      await api.post(`${path}/messages`, undefined, {
        headers: { 'Content-Type': 'application/x-ndjson' },
        raw: [user('One line.'), ...group('call_a')].map((line) => `${JSON.stringify(line)}\n`).join(''),
      }),
    );
    await after('a streamed write');
    const { snapshot_id } = await createSnapshot(api, id);
    expectSuccess(await api.post(`${path}/messages/${states[1]?.[1].messages[1]?.id}`, { pinned: true }));
    await after('a pin');
    await chat(api, { model: target.model, session_id: id, messages: [user('Say hello.')], max_tokens: 8, tools: [] });
    await after('a turn');
    for (let writes = 0; writes < 2; writes += 1) await append(api, id, await fill());
    await append(api, id, group('call_c', 'call_d'));
    expectSuccess(await api.post(`${path}/truncate`, { preserve_len: least }));
    await after('a cut');
    await append(api, id, [await fill()]);
    expectSuccess(await api.post(`${path}/compress`, { ratio: 1.5 }));
    await after('a compression');
    await append(api, id, user('And on.'));
    await after('a write behind a summary');
    expectSuccess(
      await api.post(path, { tools: [TOOL, { ...TOOL, function: { ...TOOL.function, name: 'look_down' } }] }),
    );
    await after('a change of tools');
    expectSuccess(await api.post(`${path}/rollback`, { snapshot_id }));
    await after('a rollback');

    await context.check('usage-is-the-sum', () => {
      for (const [what, { session, messages }] of states) {
        const total = session.usage.tools_tokens + messages.reduce((sum, { tokens }) => sum + tokens, 0);
        const { tools_tokens } = session.usage;
        const remaining_tokens = limits.window_tokens - total;
        const usage = { total_tokens: total, tools_tokens, remaining_tokens, messages: messages.length };
        expectEqual(session.usage, { ...session.usage, ...usage }, `the usage after ${what}`);
      }
    });
    await context.check('history-is-sound', () => {
      for (const [what, { messages }] of states) requireSound(messages, what);
    });
  },
});

/** @throws Mismatch where the live API would refuse these messages for their structure */
function requireSound(messages: readonly SessionMessage[], what: string): void {
  let waiting: string[] = [];
  for (const { role, content, tool_calls = [], tool_call_id } of messages) {
    if (role === 'tool') {
      expectTrue(
        tool_call_id !== undefined && waiting.includes(tool_call_id),
        `${what} left the result of ${tool_call_id} alone`,
      );
      waiting = waiting.filter((call) => call !== tool_call_id);
      continue;
    }
    expectTrue(waiting.length === 0, `${what} left ${waiting.join(', ')} without result`);
    expectTrue(contentText(content) !== '' || tool_calls.length > 0, `${what} left a message without content`);
    waiting = tool_calls.map((call) => call.id);
  }
  expectTrue(messages.length > 0, `${what} left no messages`);
}

const appendLimit = defineCase({
  id: 'append.limit',
  title: 'a write of append_tokens is accepted, one token more is refused',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'exact-accepted': 'append.limit',
    'exact-stored-whole': 'append.content',
    'over-refused': 'append.limit',
    'over-changes-nothing': 'append.atomic',
    'over-named': 'append.limit-named',
    'accepted-after': 'append.limit',
  },
  async run(context) {
    const { api, texts } = context;
    const limit = context.limits.append_tokens;
    const { id } = await createSession(api);
    const exact = await texts.exactly(limit);
    await context.require('exact-accepted', async () => {
      expectEqual((await append(api, id, user(exact))).tokens, limit, 'the tokens of the largest write');
    });
    await context.check('exact-stored-whole', async () => {
      expectEqual((await windowOf(api, id))[0]?.content, exact, 'the content of the largest write');
    });
    const before = await stateOf(api, id);
    const reply = await api.post(`/sessions/${id}/messages`, user(await texts.exactly(limit + 1)));
    await context.check('over-changes-nothing', () => expectUnchanged(api, before));
    await context.check('over-refused', () => expectError(reply, 'append_too_large'));
    await context.check('over-named', () => {
      const message = expectError(reply, 'append_too_large');
      for (const tokens of [limit, limit + 1]) {
        expectTrue(new RegExp(`\\b${tokens}\\b`).test(message), `the refusal names ${tokens}: ${message}`);
      }
    });
    await context.check('accepted-after', async () => {
      expectSuccess(await api.post(`/sessions/${id}/messages`, user(exact)));
    });
  },
});

/** One token in every vocabulary that is known, however long. */
const LONG_WORDS = ' international communication understanding administration responsibility'.split(/(?= )/);

/** Two UTF-16 units and several tokens each. */
const RARE = '𓀀𓁟𓃠𓆣𓇳𓊝𓍝𓎛';

const appendLimitInTokens = defineCase({
  id: 'append.limit-in-tokens',
  title: 'the limit of a write counts tokens, not characters',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: { 'many-characters-accepted': 'append.limit-in-tokens', 'few-characters-refused': 'append.limit-in-tokens' },
  async run(context) {
    const { api, texts } = context;
    const limit = context.limits.append_tokens;
    const { id } = await createSession(api);
    const words = Array.from({ length: Math.floor(limit / 2) }, (_, index) => LONG_WORDS[index % LONG_WORDS.length]);
    const long = `Terms:${words.join('')}`;
    // At least half as many tokens as UTF-16 units in any byte-pair vocabulary that has no merges for these.
    const short = RARE.repeat(Math.ceil((limit - 64) / RARE.length));
    await context.check('many-characters-accepted', async () => {
      const tokens = await texts.tokensOf(long);
      if (tokens > limit || long.length <= 4 * limit) throw unfit(long, tokens);
      expectEqual((await append(api, id, user(long))).tokens, tokens, 'the tokens of a text of long words');
    });
    await context.check('few-characters-refused', async () => {
      const tokens = await texts.tokensOf(short);
      if (tokens <= limit || short.length > limit) throw unfit(short, tokens);
      const before = await stateOf(api, id);
      expectError(await api.post(`/sessions/${id}/messages`, user(short)), 'append_too_large');
      await expectUnchanged(api, before);
    });
  },
});

/** What a text counts is the vocabulary's business. */
function unfit(text: string, tokens: number): Inconclusive {
  return new Inconclusive(`a text of ${text.length} characters counts ${tokens} tokens: it tells nothing of the limit`);
}

const PARTS = 4;

const appendLimitWhole = defineCase({
  id: 'append.limit-whole',
  title: 'the limit holds for the messages of a write together, at creation too',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'sum-accepted': 'append.limit-whole',
    'sum-over-refused': 'append.limit-whole',
    'create-accepted': 'append.on-create',
    'create-over-refused': 'append.on-create',
  },
  async run(context) {
    const { api, texts, limits } = context;
    const part = Math.floor(limits.append_tokens / PARTS);
    const last = limits.append_tokens - (PARTS - 1) * part;
    const parts = Array.from({ length: PARTS - 1 }, () => part);
    const write = (tokens: number[]) => Promise.all(tokens.map(async (count) => user(await texts.exactly(count))));
    const exact = await write([...parts, last]);
    const over = await write([...parts, last + 1]);
    const { id } = await createSession(api);
    await context.check('sum-accepted', async () => {
      expectEqual((await append(api, id, exact)).tokens, limits.append_tokens, 'the tokens of the largest write');
    });
    await context.check('sum-over-refused', async () => {
      const before = await stateOf(api, id);
      expectError(await api.post(`/sessions/${id}/messages`, { messages: over }), 'append_too_large');
      await expectUnchanged(api, before);
    });
    await context.check('create-accepted', async () => {
      const { usage } = expectBody(await api.post('/sessions', { messages: exact }), Session);
      expectEqual(usage.total_tokens, limits.append_tokens, 'the usage of a session created with the largest write');
    });
    await context.check('create-over-refused', async () => {
      expectError(await api.post('/sessions', { messages: over }), 'append_too_large');
    });
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
  title: 'what a stored message and the answer to a write look like',
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

const appendRequestMessages = defineCase({
  id: 'append.request-messages',
  title: 'a write of more messages than are allowed is refused for their number',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: { 'most-not-refused-for-it': 'append.request-messages', 'one-more-refused': 'append.request-messages' },
  async run(context) {
    const { api, limits, texts } = context;
    const { id } = await createSession(api);
    const before = await stateOf(api, id);
    const write = (count: number) =>
      api.post(`/sessions/${id}/messages`, { messages: Array.from({ length: count }, () => user('a')) });
    await context.check('one-more-refused', async () => {
      const message = expectError(await write(limits.request_messages + 1), 'invalid_request', { param: 'messages' });
      expectTrue(message.includes(String(limits.request_messages)), `the refusal names the limit: ${message}`);
      await expectUnchanged(api, before);
    });
    await context.check('most-not-refused-for-it', async () => {
      const tokens = limits.request_messages * (await texts.tokensOf('a'));
      const reply = await write(limits.request_messages);
      if (tokens <= limits.append_tokens) expectSuccess(reply);
      else expectError(reply, 'append_too_large');
    });
  },
});

const system = (content: string): Message => ({ role: 'system', content });

const appendSystemMessages = defineCase({
  id: 'append.system-messages',
  title: 'system messages may be written first, late and again, and stay where they were written',
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
  title: 'a write adds to the usage what its messages count',
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

const LAST = 32;

const appendWindow = defineCase({
  id: 'append.window',
  title: 'a window can be filled exactly, and holds not one token more',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'one-more-refused': 'append.window',
    'one-more-told': 'append.window-text',
    'one-more-changes-nothing': 'append.nothing-dropped',
    'exact-accepted': 'append.window',
    'exact-keeps-all': 'append.nothing-dropped',
    'full-refuses-any': 'append.window',
  },
  cost: (limits) => ({ requests: 60 + 3 * Math.ceil(limits.window_tokens / limits.append_tokens) }),
  async run(context) {
    const { api, limits, texts } = context;
    const window = limits.window_tokens;
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const refusal = async (tokens: number) => {
      const { usage } = await getSession(api, id);
      const reply = await api.post(path, user(await texts.exactly(tokens)));
      return { reply, requested: usage.total_tokens + tokens };
    };
    await fillWindow(context, id, window - LAST);
    const before = await stateOf(api, id);
    const { reply, requested } = await refusal(LAST + 1);
    await context.check('one-more-changes-nothing', () => expectUnchanged(api, before));
    await context.check('one-more-refused', () => expectError(reply, 'context_window_exceeded'));
    await context.check('one-more-told', () => {
      expectEqual(
        expectError(reply, 'context_window_exceeded'),
        LIVE_TEXT.windowExceeded(window, requested),
        'the message',
      );
    });
    await context.require('exact-accepted', async () => {
      const { usage } = await append(api, id, user(await texts.exactly(LAST)));
      expectEqual([usage.total_tokens, usage.remaining_tokens], [window, 0], 'the usage of a full window');
    });
    await context.check('exact-keeps-all', async () => {
      expectEqual((await windowOf(api, id)).slice(0, -1), before.messages, 'the messages that stood there before');
    });
    await context.check('full-refuses-any', async () => {
      const full = await stateOf(api, id);
      expectError((await refusal(LAST)).reply, 'context_window_exceeded');
      await expectUnchanged(api, full);
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
