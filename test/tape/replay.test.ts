import { describe, expect, it } from 'vitest';
import { RollingSession } from '../../client/index.ts';
import type { ChatCompletion } from '../../contract/chat.ts';
import { clientOf, SMALL } from '../client/support.ts';
import { type Api, type Reply, readEvents, TRANSPORTS } from '../support/emulator.ts';
import { createSession, expectRefusal, tool } from '../support/session.ts';
import { exchangesOf, newTape, startRecording, startReplay } from './taped.ts';

const K3 = { model: 'kimi-k3' };
const ask = (content: string) => ({ role: 'user', content });
const BERTH = { role: 'system', content: 'The berth of the Aurora is B-14. The berth of the Borealis is C-3.' };

/** All that a session can do, and what it answered. */
async function sessionRun(api: Api): Promise<Reply<unknown>[]> {
  const replies: Reply<unknown>[] = [];
  const note = <R extends Reply<unknown>>(reply: R): R => {
    replies.push(reply);
    return reply;
  };
  const session = await createSession(api, { ...K3, messages: [BERTH], tools: [tool('look_up')] });
  note(await session.append({ messages: [{ role: 'user', content: 'The Aurora carries tea. '.repeat(40) }] }));
  note(await session.chat([ask('What is the berth of the Aurora?')], K3));
  note(await session.chat([ask('What is the berth of the Borealis?')], { ...K3, stream: true }));
  note(await session.chat([ask('Which berth?')], { ...K3, stream: true, stream_options: { include_usage: true } }));
  const snapshot = note(await session.snapshot()).body as { id: string };
  note(await session.truncate(128));
  note(await session.chat([ask('Reply with only DONE')], K3));
  note(await session.rollback(snapshot.id));
  note(await session.compress({ ratio: 2 }));
  note(await session.chat([ask('What does the Aurora carry?')], { ...K3, temperature: 1 }));
  note(await api.post('/v1/sessions', { from_snapshot: snapshot.id }));
  note(await api.get('/v1/models'));
  note(await api.post('/v1/tokenizers/estimate-token-count', { ...K3, messages: [ask('How many?')] }));
  note(await api.post('/v1/chat/completions', { ...K3, messages: [ask('Reply with only PONG')], stream: true }));
  note(await api.get('/v1/models/unknown'));
  return replies;
}

const seen = (replies: readonly Reply<unknown>[]) => replies.map(({ status, text }) => ({ status, text }));

describe.each(TRANSPORTS)('a tape, %s', (transport) => {
  it('replays a session run byte for byte while its upstream is closed', async () => {
    const tape = newTape();
    const limits = { min_preserve_tokens: 64 };
    const { api, stop } = await startRecording(transport, tape, { limits });
    const recorded = seen(await sessionRun(api));
    await stop();
    expect(recorded.filter(({ status }) => status >= 400)).toEqual([{ status: 404, text: expect.any(String) }]);
    expect(seen(await sessionRun(await startReplay(transport, tape, { limits })))).toEqual(recorded);
  });

  it('replays a rolling session that has cut its window', async () => {
    const tape = newTape();
    const limits = { append_tokens: 200, min_preserve_tokens: 100, window_tokens: 1_200 };
    const rounds = async (api: Api): Promise<unknown[]> => {
      const client = clientOf(api, { maxRetries: 0 });
      const agent = await RollingSession.open(client, { ...SMALL, model: K3.model });
      const results: unknown[] = [];
      for (let round = 0; round < 12; round += 1) {
        await agent.append(`Crate ${round} holds ${'tea and tar '.repeat(20)}`);
        results.push(await agent.complete(`Reply with only: round ${round} is over`));
      }
      expect(agent.snapshots.length).toBeGreaterThan(1);
      return [...results, agent.snapshots, agent.tokens];
    };
    const { api, stop } = await startRecording(transport, tape, { limits });
    const recorded = await rounds(api);
    await stop();
    expect(JSON.stringify(recorded)).toContain('round 11 is over');
    expect(await rounds(await startReplay(transport, tape, { limits }))).toEqual(recorded);
  });

  it('answers a session with what stateless requests recorded, and the reverse, streamed and not', async () => {
    const turns = ['What is the berth of the Aurora?', 'What is the berth of the Borealis?'];
    const stateless = async (api: Api, stream: boolean) => {
      const messages: object[] = [BERTH];
      const answers: string[] = [];
      for (const turn of turns) {
        messages.push(ask(turn));
        const reply = await api.post<ChatCompletion>('/v1/chat/completions', { ...K3, messages, stream });
        expect(reply.status, reply.text).toBe(200);
        const { message, text } = answerOf(reply, stream);
        messages.push(message);
        answers.push(text);
      }
      return answers;
    };
    const inSession = async (api: Api, stream: boolean) => {
      const session = await createSession(api, { ...K3, messages: [BERTH] });
      const answers: string[] = [];
      for (const turn of turns) {
        const reply = await session.chat<ChatCompletion>([ask(turn)], { ...K3, stream });
        expect(reply.status, reply.text).toBe(200);
        answers.push(answerOf(reply, stream).text);
      }
      return answers;
    };
    for (const [record, replay] of [
      [stateless, inSession],
      [inSession, stateless],
    ] as const) {
      for (const stream of [false, true]) {
        const tape = newTape();
        const { api, stop } = await startRecording(transport, tape);
        const recorded = await record(api, stream);
        await stop();
        expect(recorded).toEqual(['B-14', 'C-3']);
        expect(exchangesOf(tape)).toHaveLength(2);
        const replaying = await startReplay(transport, tape);
        for (const other of [stream, !stream]) {
          expect(await replay(replaying, other)).toEqual(recorded);
          expect(await record(replaying, other)).toEqual(recorded);
        }
      }
    }
  });

  it('names the closest recording, its first message that differs and where, for a changed prompt', async () => {
    const tape = newTape();
    const { api, stop } = await startRecording(transport, tape);
    for (const ship of ['Aurora', 'Borealis']) {
      await api.post('/v1/chat/completions', { ...K3, messages: [BERTH, ask(`What is the berth of the ${ship}?`)] });
    }
    await stop();
    const replay = await startReplay(transport, tape);
    const session = await createSession(replay, { ...K3, messages: [BERTH] });
    const missed = await session.chat([ask('What is the berth of the Borealis now?')], K3);
    const { message } = expectRefusal(missed, 'tape_miss');
    expect(message).toContain('the closest is #2: its messages[1] (user) differs at character 33:');
    expect(message).toContain('Borealis?", not "the Borealis now?"');
    expect((await session.show()).body.usage.messages).toBe(1);
    const misses: [object, string][] = [
      [
        { messages: [{ ...BERTH, content: 'Another.' }, ask('What is the berth of the Aurora?')] },
        '#1: its messages[0] (system)',
      ],
      [{ temperature: 1 }, '#1: its temperature is not given, not 1'],
      [{ model: 'kimi-k2.6' }, '#1: its model is "kimi-k3", not "kimi-k2.6"'],
      [{ tools: [tool('look_up')] }, '#1: its tools differ: 0, not 1'],
      [{ messages: [BERTH] }, 'it has 2 messages, not 1'],
    ];
    for (const [change, told] of misses) {
      const messages = [BERTH, ask('What is the berth of the Aurora?')];
      const { status, text } = await replay.post('/v1/chat/completions', { ...K3, messages, ...change });
      expect([status, text]).toEqual([501, expect.stringContaining(JSON.stringify(told).slice(1, -1))]);
    }
    expect((await replay.get('/v1/files')).text).toContain('none of its 2 is like it');
  });

  it('answers equal requests in the order recorded, and the last one again', async () => {
    const tape = newTape();
    const { api, stop, upstream } = await startRecording(transport, tape);
    await upstream.script([{ when: { text: 'Count' }, replies: ['one', 'two', 'three'] }]);
    const chat = async (of: Api, stream = false) => {
      const reply = await of.post<ChatCompletion>('/v1/chat/completions', { ...K3, messages: [ask('Count.')], stream });
      return answerOf(reply, stream).text;
    };
    for (const told of ['one', 'two', 'three']) expect(await chat(api, told === 'two')).toBe(told);
    await stop();
    const replay = await startReplay(transport, tape);
    expect([await chat(replay), await chat(replay), await chat(replay), await chat(replay)]).toEqual([
      'one',
      'three',
      'two',
      'three',
    ]);
  });

  it('is asked first and added to where misses are recorded', async () => {
    const tape = newTape();
    const first = await startRecording(transport, tape);
    const chat = (api: Api, text: string) =>
      api.post<ChatCompletion>('/v1/chat/completions', { ...K3, messages: [ask(`Reply with only ${text}`)] });
    const known = await chat(first.api, 'ONE');
    await first.stop();
    const { upstream, stop } = await startRecording(transport, newTape());
    const api = await startReplay(transport, tape, { recordMisses: true, upstream: upstream.baseURL });
    expect((await chat(api, 'ONE')).text).toBe(known.text);
    const added = await chat(api, 'TWO');
    expect((await chat(api, 'TWO')).text).toBe(added.text);
    expect(upstream.journal.entries()).toHaveLength(1);
    await stop();
    const replay = await startReplay(transport, tape);
    expect((await chat(replay, 'TWO')).text).toBe(added.text);
  });
});

/** The message of an answer and its text, however it came. */
function answerOf(reply: Reply<ChatCompletion>, stream: boolean): { message: object; text: string } {
  if (!stream) {
    const { message } = reply.body.choices[0] ?? {};
    return { message: message ?? {}, text: message?.content ?? '' };
  }
  const deltas = readEvents(reply.text).chunks.flatMap(({ choices }) =>
    (choices as { delta: Record<string, string> }[]).map(({ delta }) => delta),
  );
  const join = (name: string) => deltas.map((delta) => delta[name] ?? '').join('');
  const reasoning = join('reasoning_content');
  const message = { role: 'assistant', content: join('content'), ...(reasoning && { reasoning_content: reasoning }) };
  return { message, text: join('content') };
}
