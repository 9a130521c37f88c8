import { ChatCompletionChunk } from '../../../contract/chat.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, shaped, succeeded } from '../../core/expect.ts';
import { CHAT_COST } from '../../wire/changes.ts';
import { createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';
import type { Reply } from '../../wire/reply.ts';
import { marked } from './replays.ts';

/** What a stream says, taken together. */
function saidBy(reply: Reply): object {
  const events = succeeded(reply).events;
  equal(events.at(-1), '[DONE]', `${reply.what}: the last event`);
  const chunks = events.slice(0, -1).map((data) => {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      value = data;
    }
    return shaped(ChatCompletionChunk, value, `${reply.what}: an event`);
  });
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const finish = choices.filter(({ finish_reason }) => finish_reason !== null);
  equal(finish.length, 1, `${reply.what}: the number of finish chunks`);
  const [last] = finish;
  const { session } = chunks.find((chunk) => chunk.session) ?? {};
  return {
    id: chunks[0]?.id,
    text: choices.map(({ delta }) => delta.content ?? '').join(''),
    finish_reason: last?.finish_reason,
    usage: last?.usage,
    session,
  };
}

export const idempotencyStream = defineCase({
  id: 'idempotency.stream',
  title: 'a streamed chat, sent again under its key',
  needs: ['sessions', 'chat', 'chat.stream', 'idempotency'],
  checks: {
    'streams-again': 'idempotency.stream',
    'same-reply': 'idempotency.stream',
    marked: 'idempotency.replayed-header',
    'writes-nothing': 'idempotency.stream',
  },
  cost: () => CHAT_COST,
  async run(trial) {
    const { api, target } = trial;
    const { id } = await createSession(api);
    const send = { headers: { 'Idempotency-Key': trial.nonce() } };
    const messages = [user('Reply with the word OK only.')];
    const body = { model: target.model, session_id: id, messages, max_tokens: 16, stream: true };
    const first = await api.post('/chat/completions', body, send);
    const said = saidBy(first);
    const after = await stateOf(api, id);
    const again = await api.post('/chat/completions', body, send);
    await trial.need('streams-again', () => {
      const type = succeeded(again).headers.get('content-type') ?? '';
      holds(type.startsWith('text/event-stream'), `a replay of a stream is a stream, not ${type}`);
      saidBy(again);
    });
    await trial.check('same-reply', () => equal(saidBy(again), said, 'what the replay says'));
    await trial.check('marked', () => marked(first, again));
    await trial.check('writes-nothing', () => unchanged(api, after));
  },
});
