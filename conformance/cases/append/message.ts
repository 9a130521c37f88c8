import { SessionAppend, type SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds } from '../../core/expect.ts';
import { calling, createSession, getSession, type Message, result, user, windowOf } from '../../wire/dialect.ts';

const WRITTEN: Message[] = [
  { role: 'system', content: 'Be short.' },
  { ...user('Look it up, please.'), name: 'ann' },
  { ...calling('call_1', 'call_2'), content: 'I look.' },
  { ...result('call_2', 'second'), name: 'look_up' },
  result('call_1', 'first'),
  { role: 'assistant', content: 'Found.', name: 'kim' },
];

export const appendMessage = defineCase({
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const reply = await api.post(`/sessions/${id}/messages`, { messages: WRITTEN });
    await trial.need('answer-shape', () => {
      const { session_id, data } = answered(reply, SessionAppend);
      equal([session_id, data.length], [id, WRITTEN.length], 'the session and the number of messages');
    });
    const { data, usage, version } = answered(reply, SessionAppend);
    let listed: SessionMessage[] = [];
    await trial.need('message-shape', async () => {
      listed = await windowOf(api, id);
    });
    const session = await getSession(api, id);
    await trial.check('answer-as-listed', () => equal(data, listed, 'the messages of the answer'));
    await trial.check('answer-usage-as-read', () => {
      equal({ usage, version }, { usage: session.usage, version: session.version }, 'usage and version of the answer');
    });
    await trial.check('message-ids', () => {
      equal(new Set(listed.map((message) => message.id)).size, WRITTEN.length, 'the number of different ids');
      holds(
        listed.every((message) => message.id !== ''),
        'every message has an id',
      );
    });
    await trial.check('message-session', () => {
      for (const { session_id, created_at } of listed) {
        equal(session_id, id, 'the session of a message');
        holds(created_at >= session.created_at, `a message of ${created_at} in a session of ${session.created_at}`);
        holds(created_at <= session.updated_at, `a message of ${created_at}, updated ${session.updated_at}`);
      }
    });
    await trial.check('message-flags', () => {
      for (const { truncated, summary } of listed) {
        equal({ truncated, summary }, { truncated: false, summary: false }, 'the flags of a message just written');
      }
    });
    await trial.check('fields-kept', () => {
      equal(listed.map(fieldsOf), WRITTEN.map(fieldsOf), 'the fields of the messages');
    });
  },
});

/** What the shape does not name, such as the `index` of a call, is nobody's business. */
function fieldsOf(message: Message | SessionMessage): unknown {
  const { role, name, tool_call_id, tool_calls } = message as SessionMessage;
  return { role, name, tool_call_id, calls: tool_calls?.map(({ id, type, function: call }) => ({ id, type, call })) };
}
