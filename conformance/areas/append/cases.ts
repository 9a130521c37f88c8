import { SessionAppend, type SessionMessage } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectTrue } from '../../core/expect.ts';
import { idOf, type Message, toolCall, toolResult, user } from '../../wire/sessions.ts';
import {
  appendConcurrent,
  appendLaws,
  appendLimitInTokens,
  appendRequestMessages,
  appendWindow,
} from './limit-cases.ts';
import { REFUSAL_CASES } from './refusal-cases.ts';
import { SHAPE_CASES } from './shape-cases.ts';
import { SIZE_CASES } from './size-cases.ts';

const appendAtomic = defineCase({
  id: 'append.atomic',
  title: 'messages of one write are stored together, in their order, or not at all',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'many-stored one-stored': 'append.one-or-many',
    'order-kept': 'append.order',
    'last-bad-stores-none middle-bad-stores-none': 'append.atomic',
    'none-refused': 'append.one-or-many',
  },
  async run({ api, check, require }) {
    const { id } = await api.createSession();
    const path = `/sessions/${id}/messages`;
    const contents = ['one', 'two', 'three', 'four', 'five'];
    await require('many-stored', async () => {
      const { data } = await api.append(id, contents.slice(0, 4).map(user));
      expectEqual(data.length, 4, 'the messages written');
    });
    await require('one-stored', async () => {
      expectEqual((await api.append(id, user('five'))).data.length, 1, 'the messages written');
    });
    await check('order-kept', async () => {
      expectEqual(
        (await api.windowOf(id)).map(({ content }) => content),
        contents,
        'the contents of the window',
      );
    });
    const before = await api.stateOf(id);
    await check('last-bad-stores-none', async () => {
      const messages = [user('six'), user('seven'), toolResult('call_of_nobody')];
      expectError(await api.post(path, { messages }), 'tool_result_orphan');
      await api.expectUnchanged(before);
    });
    await check('middle-bad-stores-none', async () => {
      const messages = [user('six'), toolCall('call_a'), user('seven'), toolResult('call_a')];
      expectError(await api.post(path, { messages }), 'tool_call_unanswered');
      await api.expectUnchanged(before);
    });
    await check('none-refused', async () => {
      expectError(await api.post(path, { messages: [] }), 'invalid_request', { param: 'messages' });
      await api.expectUnchanged(before);
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
  title: 'the shape of a stored message and of the answer to a write',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'answer-shape answer-as-listed answer-usage-as-read': 'append.answer',
    'message-shape message-ids message-session message-flags': 'append.message',
    'fields-kept': 'append.fields',
  },
  async run({ api, check, require }) {
    const { id } = await api.createSession();
    const reply = await api.post(`/sessions/${id}/messages`, { messages: WRITTEN });
    await require('answer-shape', () => {
      const { session_id, data } = expectBody(reply, SessionAppend);
      expectEqual([session_id, data.length], [id, WRITTEN.length], 'the session and the number of messages');
    });
    const { data, usage, version } = expectBody(reply, SessionAppend);
    let listed: SessionMessage[] = [];
    await require('message-shape', async () => (listed = await api.windowOf(id)));
    const session = await api.getSession(id);
    await check('answer-as-listed', () => expectEqual(data, listed, 'the messages of the answer'));
    await check('answer-usage-as-read', () => {
      expectEqual(
        { usage, version },
        { usage: session.usage, version: session.version },
        'usage and version of the answer',
      );
    });
    await check('message-ids', () => {
      expectEqual(new Set(listed.map(idOf)).size, WRITTEN.length, 'the number of different ids');
      expectTrue(
        listed.every((message) => message.id !== ''),
        'every message has an id',
      );
    });
    await check('message-session', () => {
      for (const { session_id, created_at } of listed) {
        expectEqual(session_id, id, 'the session of a message');
        expectTrue(
          created_at >= session.created_at,
          `a message of ${created_at} in a session of ${session.created_at}`,
        );
        expectTrue(created_at <= session.updated_at, `a message of ${created_at}, updated ${session.updated_at}`);
      }
    });
    await check('message-flags', () => {
      for (const { truncated, summary } of listed) {
        expectEqual(
          { truncated, summary },
          { truncated: false, summary: false },
          'the flags of a message just written',
        );
      }
    });
    await check('fields-kept', () => {
      expectEqual(listed.map(fieldsOf), WRITTEN.map(fieldsOf), 'the fields of the messages');
    });
  },
});

/** What the shape does not name, such as the `index` of a call, is nobody's business. */
function fieldsOf(message: Message | SessionMessage): unknown {
  const { role, name, tool_call_id, tool_calls } = message as SessionMessage;
  return { role, name, tool_call_id, calls: tool_calls?.map(({ id, type, function: call }) => ({ id, type, call })) };
}

export const APPEND_CASES: readonly Case[] = [
  appendMessage,
  appendAtomic,
  appendLimitInTokens,
  appendRequestMessages,
  appendWindow,
  appendConcurrent,
  appendLaws,
  ...SHAPE_CASES,
  ...SIZE_CASES,
  ...REFUSAL_CASES,
];
