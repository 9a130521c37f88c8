import type { APIPromise } from 'openai';
import type { Stream } from 'openai/core/streaming';
import { describe, expectTypeOf, it } from 'vitest';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  KimiClient,
  RollingSession,
  SessionError,
  TurnResult,
} from '../../client/index.ts';
import { isSessionError } from '../../client/index.ts';
import type { Session, SessionMessage, SessionState, SessionTruncation } from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';

declare const client: KimiClient;
declare const agent: RollingSession;

/** Never called: what is checked here is whether it compiles. */
const both = {
  chat: () => {
    const messages = [{ role: 'user' as const, content: 'hello', pinned: true }];
    const plain = client.chat.completions.create({ model: 'kimi-k3', messages });
    expectTypeOf(plain).toEqualTypeOf<APIPromise<ChatCompletion>>();
    const within = client.chat.completions.create({ model: 'kimi-k3', session_id: 'sess_1', messages });
    expectTypeOf(within).resolves.toHaveProperty('session').toEqualTypeOf<SessionState>();
    const stream = client.chat.completions.create({
      model: 'kimi-k3',
      session_id: 'sess_1',
      messages,
      stream: true,
    });
    expectTypeOf(stream).toEqualTypeOf<APIPromise<Stream<ChatCompletionChunk>>>();
    const thinking = { type: 'enabled', keep: 'all' };
    client.chat.completions.create({ model: 'kimi-k2.6', messages, thinking, prompt_cache_options: { ttl: '1h' } });
    client.chat.completions.create({ model: 'kimi-k3', messages, reasoning_effort: 'max' });
    expectTypeOf<ChatCompletion['choices'][number]['message']>().toHaveProperty('reasoning_content');
    expectTypeOf<ChatCompletionChunk['choices'][number]['delta']>().toHaveProperty('reasoning_content');
    // @ts-expect-error thinking is switched by an object
    client.chat.completions.create({ model: 'kimi-k2.6', messages, thinking: 'enabled' });
    // @ts-expect-error a session is named by its id
    client.chat.completions.create({ model: 'kimi-k3', session_id: 7, messages });
    // @ts-expect-error messages may be empty in a session, but have to be given
    client.chat.completions.create({ model: 'kimi-k3', session_id: 'sess_1' });
  },
  sessions: () => {
    expectTypeOf(client.sessions.truncate('sess_1', { preserve_len: 8_000 })).toEqualTypeOf<
      APIPromise<SessionTruncation>
    >();
    client.sessions.truncate({ session_id: 'sess_1', preserve_len: 8_000 }, { timeout: 1_000 });
    // @ts-expect-error what is to be kept has to be said
    client.sessions.truncate({ session_id: 'sess_1' });
    // @ts-expect-error and of which session
    client.sessions.truncate({ preserve_len: 8_000 });
    expectTypeOf(client.sessions.retrieve({ session_id: 'sess_1' })).toEqualTypeOf<APIPromise<Session>>();
    expectTypeOf(client.sessions.snapshot.create('sess_1')).toEqualTypeOf<APIPromise<Snapshot>>();
    expectTypeOf(client.sessions.snapshots).toEqualTypeOf(client.sessions.snapshot);
    expectTypeOf(client.sessions.fork('snap_1', { title: 'a fork' })).toEqualTypeOf<APIPromise<Session>>();
    client.sessions.fork({ share_id: 'share_1', preserve_len: 8_000 }, { timeout: 1_000 });
    // @ts-expect-error of what is not said
    client.sessions.fork({ title: 'a fork' });
    // @ts-expect-error the id is given once
    client.sessions.truncate('sess_1', { session_id: 'sess_1' });
    client.sessions.compress({ session_id: 'sess_1', ratio: 4, format: 'outline' });
    // @ts-expect-error there is no such format
    client.sessions.compress('sess_1', { format: 'poem' });
    client.sessions.append('sess_1', { role: 'user', content: 'one' });
    client.sessions.append({ session_id: 'sess_1', messages: [{ role: 'user', content: 'one' }] });
    // @ts-expect-error there is no such role
    client.sessions.append('sess_1', { role: 'developer', content: 'one' });
  },
  errors: (error: unknown) => {
    if (isSessionError(error, 'append_too_large')) expectTypeOf(error.code).toEqualTypeOf<'append_too_large'>();
    if (isSessionError(error)) expectTypeOf(error).toEqualTypeOf<SessionError>();
    // @ts-expect-error there is no such code
    isSessionError(error, 'append_too_small');
  },
  rolling: () => {
    expectTypeOf(agent.chat('hello')).toEqualTypeOf<AsyncGenerator<string, TurnResult>>();
    expectTypeOf<TurnResult['reasoning']>().toEqualTypeOf<string>();
    expectTypeOf(agent.history()).toEqualTypeOf<AsyncGenerator<SessionMessage, void>>();
    agent.events.on('truncate', (event) => expectTypeOf(event.snapshotId).toEqualTypeOf<string>());
    // @ts-expect-error there is no such event
    agent.events.on('explode', () => undefined);
  },
};

describe('the types of the client', () => {
  it('are checked by the compiler', () => {
    expectTypeOf(both).toBeObject();
  });
});
