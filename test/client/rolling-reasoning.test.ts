import { describe, expect, it } from 'vitest';
import { type Fetch, RollingSession } from '../../client/index.ts';
import type { RollingOptions } from '../../client/rolling/context.ts';
import type { InputMessage } from '../../contract/messages.ts';
import type { Model, ModelDelta } from '../../emulator/index.ts';
import { TRANSPORTS, type Transport } from '../support/emulator.ts';
import { words } from '../support/session.ts';
import { clientOf, collect, MemoryCheckpoint, noSleep, SMALL, startBench } from './support.ts';
import { cutAfter, reset, through } from './support-faults.ts';

const DAY_MS = 86_400_000;
const BASE = { ...SMALL, sleep: noSleep };
const THOUGHT = 'The question is short, so the answer may be short as well.';
const TOOL = {
  type: 'function' as const,
  function: { name: 'look_up', parameters: { type: 'object', properties: { key: { type: 'string' } } } },
};

/** Gives the deltas of each answer in turn, and the last ones again and again. */
function giving(...answers: ModelDelta[][]): Model {
  let asked = 0;
  return {
    name: 'giving',
    async *complete() {
      yield* answers[Math.min(asked++, answers.length - 1)] ?? [];
    },
  };
}

const thought = (text: string): ModelDelta => ({ type: 'reasoning', text });
const said = (text: string): ModelDelta => ({ type: 'text', text });
const THINKING = [thought(THOUGHT), said('It is seven, and no more than seven.')];

async function open(model: Model, options: RollingOptions = {}, transport: Transport = 'in process') {
  const bench = await startBench(transport, { model });
  return { ...bench, agent: await RollingSession.open(bench.client, { ...BASE, ...options }) };
}

/** What an agent told of the model's reasoning. */
function listen(agent: RollingSession) {
  const told: { delta: string; text: string }[] = [];
  agent.events.on('reasoning', (event) => told.push(event));
  return told;
}

/** The bodies of the chat requests that pass. */
function recording(fetch: Fetch) {
  const bodies: Record<string, unknown>[] = [];
  const record: Fetch = async (input, init) => {
    if (String(input).endsWith('/chat/completions')) bodies.push(JSON.parse(String(init?.body)));
    return fetch(input, init);
  };
  return { fetch: record, bodies };
}

describe.each(TRANSPORTS)('the reasoning of a rolling turn %s', (transport) => {
  it('is told as it comes, given with the turn and kept in the history', async () => {
    const { agent } = await open(giving(THINKING), {}, transport);
    const told = listen(agent);
    const turn = agent.chat('Which?');
    expect((await turn.next()).value).toBe('It is seven, and');
    expect(told.length).toBeGreaterThan(1);
    expect(told.map(({ delta }) => delta).join('')).toBe(THOUGHT);
    const result = await finish(turn);
    expect(result).toMatchObject({ text: 'It is seven, and no more than seven.', reasoning: THOUGHT });
    expect(result.reasoningTokens).toBe(result.usage?.completion_tokens_details?.reasoning_tokens);
    expect(result.reasoningTokens).toBeGreaterThan(5);
    const answer = (await collect(agent.history())).at(-1);
    expect(answer).toMatchObject({ role: 'assistant', reasoning_content: THOUGHT });
    expect(answer?.reasoning_tokens).toBeGreaterThan(5);
  });
});

async function finish<Result>(turn: AsyncGenerator<string, Result>): Promise<Result> {
  for (;;) {
    const step = await turn.next();
    if (step.done) return step.value;
  }
}

describe('the reasoning of a rolling turn', () => {
  it('is told once where the stream is cut at one event, whichever it is', async () => {
    for (let events = 0; events <= 12; events += 1) {
      const { api } = await open(giving(THINKING));
      let done = false;
      const fetch = through(api.fetch, async ({ path, send }) => {
        const response = await send();
        if (done || !path.endsWith('/chat/completions')) return response;
        done = true;
        return cutAfter(response, events);
      });
      const agent = await RollingSession.open(clientOf(api, { fetch }), BASE);
      const told = listen(agent);
      expect(await agent.complete('Which?')).toMatchObject({ reasoning: THOUGHT });
      expect(told.map(({ delta }) => delta).join('')).toBe(THOUGHT);
    }
  });

  it('is told from its beginning where a second try thinks otherwise, and the answer goes on', async () => {
    const { api } = await open(giving(THINKING, [thought('Count again, from one.'), said('Eight.')]));
    let done = false;
    const messages = [{ role: 'user', content: 'Which?' }];
    const other = JSON.stringify({ model: 'kimi-k3', messages, stream: true });
    const fetch = through(api.fetch, async ({ path, send }) => {
      if (done || !path.endsWith('/chat/completions')) return send();
      done = true;
      const headers = { 'Content-Type': 'application/json' };
      return cutAfter(await api.open('POST', '/v1/chat/completions', other, { headers }), 2);
    });
    const agent = await RollingSession.open(clientOf(api, { fetch }), BASE);
    const told = listen(agent);
    const result = await agent.complete('Which?');
    expect(result).toMatchObject({ text: 'Eight.', reasoning: 'Count again, from one.' });
    expect(told[0]?.text).toBe(THOUGHT.slice(0, 16));
    expect(told[1]).toEqual({ delta: 'Count again, fro', text: 'Count again, fro' });
    expect(told.at(-1)?.text).toBe(result.reasoning);
  });

  it('is read from the session where only the session knows the answer', async () => {
    let ms = 1_800_000_000_000;
    const { api, client } = await startBench('in process', { model: giving(THINKING), clock: { now: () => ms } });
    const checkpoint = new MemoryCheckpoint();
    await RollingSession.open(client, { ...BASE, checkpoint });
    const fetch = through(api.fetch, async ({ path, send }) => {
      const response = await send();
      if (!path.endsWith('/chat/completions')) return response;
      await response.text();
      return reset();
    });
    const lost = await RollingSession.open(clientOf(api, { fetch }), { ...BASE, retries: 0, checkpoint });
    await expect(lost.complete('Which?')).rejects.toThrow('Connection error');
    ms += 2 * DAY_MS;
    const agent = await RollingSession.open(client, { ...BASE, checkpoint });
    const found = await agent.complete('Which?');
    expect(found).toMatchObject({ reasoning: THOUGHT, finishReason: 'unknown' });
    expect(found.reasoningTokens).toBeGreaterThan(5);
  });

  it.each(['kimi-k3', 'kimi-k2.6', 'kimi-k2.7-code'])(
    'goes with its tool calls on %s: the result is taken, and a copy of the history answers too',
    async (model) => {
      const calling = [thought('It is a task for look_up.'), { type: 'tool_call', name: 'look_up', arguments: '{}' }];
      const { agent, client } = await open(giving(calling as ModelDelta[], THINKING), { model, tools: [TOOL] });
      const { toolCalls, reasoning } = await agent.complete('Look it up.');
      expect(reasoning).toBe('It is a task for look_up.');
      const [call] = toolCalls;
      const results = [{ role: 'tool' as const, tool_call_id: String(call?.id), content: 'seven' }];
      expect((await agent.complete(results)).text).toContain('seven');
      const told = await collect(agent.history());
      expect(told.map((message) => message.reasoning_content)).toEqual([undefined, reasoning, undefined, THOUGHT]);
      const messages = [...told, { role: 'user', content: 'And now?' }] as InputMessage[];
      const { choices } = await client.chat.completions.create({ model, messages, tools: [TOOL] });
      expect(choices[0]?.message.reasoning_content).toBe(THOUGHT);
    },
  );

  it('is part of what a message takes: one that is too large with it is refused before anything is written', async () => {
    const { agent, client } = await open(giving(THINKING));
    const message = (size: number): InputMessage => ({
      role: 'assistant',
      content: 'Hm.',
      reasoning_content: words(size),
    });
    const { session_id } = await client.sessions.create();
    const { tokens } = await client.sessions.append(session_id, message(100));
    const most = 100 + 200 - tokens;
    const asked = { role: 'user' as const, content: 'Which?' };
    await expect(agent.complete([message(most + 1), asked])).rejects.toThrow(
      /this one counts 201, and cannot be split/,
    );
    expect(await collect(agent.history())).toEqual([]);
    expect((await agent.complete([message(most), asked])).text).toContain('seven');
  });
});

describe('the request of a rolling turn', () => {
  const requests: [string, RollingOptions, object, object][] = [
    ['kimi-k3, the default', {}, {}, { model: 'kimi-k3', max_completion_tokens: 60 }],
    ['kimi-k2.6', { model: 'kimi-k2.6' }, {}, { model: 'kimi-k2.6', max_completion_tokens: 60 }],
    [
      'the article’s model',
      { model: 'kimi-k2-0905' },
      {},
      { model: 'kimi-k2-0905', max_completion_tokens: 60, temperature: 0.2 },
    ],
    ['a turn with max_tokens', {}, { max_tokens: 50 }, { model: 'kimi-k3', max_tokens: 50 }],
    [
      'a turn of another model',
      {},
      { model: 'kimi-k2-0905', thinking: { type: 'enabled' } },
      { model: 'kimi-k2-0905', max_completion_tokens: 60, temperature: 0.2, thinking: { type: 'enabled' } },
    ],
  ];
  it.each(requests)('of %s holds no sampling value that the model fixes', async (_, options, params, expected) => {
    const { api } = await startBench();
    const { fetch, bodies } = recording(api.fetch);
    const agent = await RollingSession.open(clientOf(api, { fetch }), { ...BASE, ...options });
    await agent.complete('Which?', { params });
    const [{ messages, session_id, stream, ...request } = {}] = bodies;
    expect(request).toEqual(expected);
  });

  it('asks for no more than an eighth of the window where the model thinks', async () => {
    const { api } = await startBench();
    const { fetch, bodies } = recording(api.fetch);
    const agent = await RollingSession.open(clientOf(api, { fetch }), { maxKeep: 600, preserveLen: 200 });
    await agent.complete('Which?');
    expect(bodies[0]).toMatchObject({ max_completion_tokens: 150 });
  });
});

describe('a session that another model answers', () => {
  it('goes on in the window of that model, and in its own again', async () => {
    const limits = { append_tokens: 200, min_preserve_tokens: 100 };
    const { api, client } = await startBench('in process', { limits });
    const first = await RollingSession.open(client);
    await first.complete('Which?');
    const { sessionId } = first;
    const agent = await RollingSession.open(client, { sessionId, model: 'kimi-k2.6' });
    const windows: number[] = [];
    agent.events.on('window', ({ windowTokens }) => windows.push(windowTokens));
    expect((await agent.complete('And on another?')).session.usage.messages).toBe(4);
    await agent.complete('And back?', { params: { model: 'kimi-k3' } });
    expect(windows).toEqual([262_144, 1_048_576]);
    const { fetch, bodies } = recording(api.fetch);
    const again = await RollingSession.open(clientOf(api, { fetch }), { sessionId });
    await again.complete('Once more.');
    expect(bodies[0]).toMatchObject({ model: 'kimi-k3', max_completion_tokens: 131_072 });
  });

  it('is shrunk where the window of that model is smaller than what it holds', async () => {
    const { client } = await startBench('in process', { limits: { min_preserve_tokens: 100 } });
    const agent = await RollingSession.open(client, { maxKeep: 400_000, preserveLen: 2_000 });
    for (let part = 0; part < 36; part += 1) await agent.append(words(8_000));
    expect(agent.tokens).toBeGreaterThan(262_144);
    const { text, session } = await agent.complete('Which?', { params: { model: 'kimi-k2.6' } });
    expect(text).toContain('Answer to Which?');
    expect(session.usage.total_tokens).toBeLessThan(262_144);
    expect(agent.snapshots).toHaveLength(1);
  });
});
