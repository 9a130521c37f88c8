import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Api } from '../support/emulator.ts';
import { createSession, expectRefusal, type SessionUnderTest } from '../support/session.ts';
import { slice } from '../support/slice.ts';
import { freePort, serve, startGateway } from './gateway.ts';

const K3 = { model: 'kimi-k3' };

/** How the upstream treats one call. */
type Treatment = 'answers' | 'refuses' | 'breaks off' | 'breaks before';

const USAGE = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };

const ATTEMPT = 'x-attempt';

/** An upstream that counts what it is asked, by the last message and by the attempt, and treats its calls as it is told. */
class CountingUpstream {
  readonly calls = new Map<string, number>();
  readonly attempts = new Map<string, number>();
  treatments: Treatment[] = [];
  baseURL = '';

  async start(): Promise<this> {
    this.baseURL = await serve((request, response) => {
      let text = '';
      request.on('data', (part) => {
        text += part;
      });
      request.on('end', () => {
        const { messages, stream } = JSON.parse(text);
        const content = messages?.at(-1).content ?? '';
        this.calls.set(content, (this.calls.get(content) ?? 0) + 1);
        const attempt = String(request.headers[ATTEMPT]);
        this.attempts.set(attempt, (this.attempts.get(attempt) ?? 0) + 1);
        this.#treat(response, this.treatments.shift() ?? 'answers', stream === true);
      });
    });
    return this;
  }

  #treat(response: ServerResponse, treatment: Treatment, isStreamed: boolean): void {
    if (treatment === 'breaks before') return void response.destroy();
    if (treatment === 'refuses') {
      response.writeHead(429, { 'Content-Type': 'application/json' });
      return void response.end('{"error":{"message":"slow down","type":"rate_limit_reached_error"}}');
    }
    const common = { id: 'c1', created: 1, model: 'kimi-k3' };
    const whole = { index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' };
    const chunk = (choice: object) => `data: ${JSON.stringify({ ...common, choices: [choice] })}\n\n`;
    const parts = isStreamed
      ? [
          chunk({ index: 0, delta: { content: 'Yes.' } }),
          chunk({ index: 0, delta: {}, finish_reason: 'stop', usage: USAGE }),
        ]
      : [JSON.stringify({ ...common, choices: [whole], usage: USAGE })];
    response.writeHead(200, { 'Content-Type': isStreamed ? 'text/event-stream' : 'application/json' });
    if (treatment === 'breaks off') return void response.write((parts[0] ?? '').slice(0, -3), () => response.destroy());
    response.end(parts.join('') + (isStreamed ? 'data: [DONE]\n\n' : ''));
  }
}

const step = fc.record({
  /** The turn that is tried. */
  turn: fc.nat({ max: 3 }),
  treatment: fc.constantFrom<Treatment>('answers', 'answers', 'refuses', 'breaks off', 'breaks before'),
  /** Whether the client never hears of the answer, as that is lost, or as it leaves after so many rounds of the event loop. */
  ends: fc.oneof(fc.constantFrom('heard' as const, 'lost' as const), fc.nat({ max: 60 })),
  at: fc.constantFrom('once', 'twice at a time'),
});

interface Attempt {
  turn: number;
  ends: 'heard' | 'lost' | number;
  /** Its own, which the upstream is told. */
  name: string;
}

/** One attempt of a client at a turn, under its key. @returns whether it heard that the turn is done */
async function attempt(session: SessionUnderTest, { turn, ends, name }: Attempt): Promise<boolean> {
  const headers = {
    'Idempotency-Key': `${session.id}-${turn}`,
    [ATTEMPT]: name,
    ...(ends === 'lost' && { 'Kimi-Emulator-Fault': 'lose_answer' }),
  };
  const messages = [{ role: 'user', content: `${session.id} turn ${turn}` }];
  const leaving = new AbortController();
  if (typeof ends === 'number') void ticks(ends).then(() => leaving.abort());
  try {
    const call = { headers, signal: leaving.signal };
    const reply = await session.chat(messages, { ...K3, stream: turn % 2 === 1 }, call);
    return reply.status === 200 && reply.text.includes('"session":');
  } catch {
    return false;
  }
}

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick += 1) await setImmediate();
}

/** Ten lots of fifty random runs; two lots at each commit. */
const LOTS = slice([...Array(10).keys()], 5);
const RUNS = { 'in process': 38, 'over HTTP': 12 };

describe.each(['in process', 'over HTTP'] as const)('turns under keys, %s', (transport) => {
  it.each(LOTS)('are asked for again only until they are stored, and then never: lot %i', async (seed) => {
    const upstream = await new CountingUpstream().start();
    const api = await startGateway(transport, upstream.baseURL);
    let attempts = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
        const session = await createSession(api, K3);
        /** Attempts that began when their turn was stored: none of them may have cost anything. */
        const late: string[] = [];
        for (const { turn, treatment, ends, at } of steps) {
          const wasStored = await isStored(session, turn);
          upstream.treatments = [treatment];
          const tries = Array.from({ length: at === 'once' ? 1 : 2 }, () => `${session.id}/${++attempts}`);
          if (wasStored) late.push(...tries);
          const heard = await Promise.all(tries.map((name) => attempt(session, { turn, ends, name })));
          if (heard.includes(true)) expect(await isStored(session, turn)).toBe(true);
          upstream.treatments = [];
        }
        // Whoever left may have left a call behind, and a session that is still busy.
        await expect
          .poll(() => session.append({ role: 'user', content: 'over' }).then(({ status }) => status))
          .toBe(200);
        expect(late.filter((name) => upstream.attempts.has(name))).toEqual([]);
        for (const [name, count] of upstream.attempts) expect(count, name).toBe(1);
        const window = await session.messages();
        const asked = window.slice(0, -1).filter(({ role }) => role === 'user');
        expect(new Set(asked.map(({ content }) => content)).size).toBe(asked.length);
        expect(window.length).toBe(2 * asked.length + 1);
        await api.delete(session.path);
      }),
      { numRuns: RUNS[transport], seed },
    );
  });
});

async function isStored(session: SessionUnderTest, turn: number): Promise<boolean> {
  return (await session.messages()).some(({ content }) => content === `${session.id} turn ${turn}`);
}

/** Of a turn of kimi-k3 with `USAGE`, in dollars: 1,000 × 3 and 100 × 15 per million tokens. */
const COST = 0.0045;

async function spent(api: Api): Promise<number> {
  return (await api.emulator.spend()).total.cost;
}

describe.each(['in process', 'over HTTP'] as const)('--max-spend, %s', (transport) => {
  it('is never exceeded, also by 32 turns at once', async () => {
    const upstream = await new CountingUpstream().start();
    const cap = 0.5;
    const api = await startGateway(transport, upstream.baseURL, { maxSpend: `${cap}USD` });
    const sessions = await Promise.all(Array.from({ length: 32 }, () => createSession(api, K3)));
    const more = { ...K3, max_completion_tokens: 3_000 };
    let answered = sessions.length;
    for (let round = 0; answered > 0; round += 1) {
      const replies = await Promise.all(
        sessions.map((session) => session.chat([{ role: 'user', content: `${round}` }], more)),
      );
      answered = replies.filter(({ status }) => status === 200).length;
      for (const reply of replies.filter(({ status }) => status !== 200)) expectRefusal(reply, 'spend_limit_reached');
      expect(await spent(api)).toBeLessThanOrEqual(cap);
    }
    // At most a reservation, of 3,000 tokens at 15 dollars a million and a little more, is left unused at the end.
    expect(await spent(api)).toBeGreaterThan(cap - 0.06);
    const calls = [...upstream.calls.values()].reduce((sum, count) => sum + count, 0);
    expect(await spent(api)).toBeCloseTo(calls * COST, 9);
  });

  it('counts each session and each key by itself where it says so', async () => {
    const upstream = await new CountingUpstream().start();
    const api = await startGateway(transport, upstream.baseURL, { maxSpend: ['0.02USD/session', '0.03USD/key'] });
    const more = { ...K3, max_completion_tokens: 500 };
    const ask = (session: SessionUnderTest) => session.chat([{ role: 'user', content: 'Ready?' }], more);
    const [one, two] = [await createSession(api, K3), await createSession(api, K3)];
    const statuses: number[] = [];
    for (const session of [one, one, one, one, two, two, two, two]) statuses.push((await ask(session)).status);
    expect(statuses).toEqual([200, 200, 200, 402, 200, 200, 402, 402]);
    const other = await createSession(api, K3, 'sk-other');
    expect((await ask(other)).status).toBe(200);
  });

  it('holds for requests without a session, and refuses what it cannot price', async () => {
    const upstream = await new CountingUpstream().start();
    const api = await startGateway(transport, upstream.baseURL, { maxSpend: '0.02USD' });
    const body = { ...K3, max_completion_tokens: 500, messages: [{ role: 'user', content: 'Ready?' }] };
    const statuses: number[] = [];
    for (let round = 0; round < 4; round += 1) statuses.push((await api.post('/v1/chat/completions', body)).status);
    expect(statuses).toEqual([200, 200, 402, 402]);
    const unpriced = await api.post('/v1/chat/completions', { ...body, model: 'other-1' });
    expect(unpriced.text).toContain('No price of the model other-1 is known');
    expect((await api.post('/v1/embeddings', {})).text).toContain('What POST /v1/embeddings costs is not known');
    expect((await api.post('/v1/tokenizers/estimate-token-count', {})).status).not.toBe(402);
  });

  it.each([
    ['with', true],
    ['without', false],
  ])('reserves the default output of the model where no length is asked for, %s a session', async (_, isInSession) => {
    const upstream = await new CountingUpstream().start();
    const ask = async (maxSpend: string) => {
      const api = await startGateway(transport, upstream.baseURL, { maxSpend });
      const messages = [{ role: 'user', content: 'Ready?' }];
      if (isInSession) return (await createSession(api, K3)).chat(messages, K3);
      return api.post('/v1/chat/completions', { ...K3, messages });
    };
    // 131,072 tokens at 15 dollars a million are 1.97 dollars, and a turn of a session has 2 % to spare.
    const answered = await ask('2.01USD');
    expect(answered.status, answered.text).toBe(200);
    const refused = await ask('1.96USD');
    expect(refused.status).toBe(402);
    expect(refused.text).toContain('a smaller max_tokens or max_completion_tokens');
  });

  it('keeps what a call may have cost whose outcome is not known, and frees what was refused or never sent', async () => {
    const upstream = await new CountingUpstream().start();
    const api = await startGateway(transport, upstream.baseURL, { maxSpend: '0.02USD' });
    const session = await createSession(api, K3);
    const ask = () => session.chat([{ role: 'user', content: 'Ready?' }], { ...K3, max_completion_tokens: 800 });
    upstream.treatments = ['refuses', 'refuses', 'refuses', 'breaks off'];
    const statuses: number[] = [];
    for (let round = 0; round < 5; round += 1) statuses.push((await ask()).status);
    expect(statuses).toEqual([429, 429, 429, 502, 402]);
  });

  it('keeps what a call may have cost whose answer never began', async () => {
    const upstream = await new CountingUpstream().start();
    const api = await startGateway(transport, upstream.baseURL, { maxSpend: '0.02USD' });
    const session = await createSession(api, K3);
    upstream.treatments = ['breaks before'];
    const ask = () => session.chat([{ role: 'user', content: 'Ready?' }], { ...K3, max_completion_tokens: 800 });
    expect([(await ask()).status, (await ask()).status]).toEqual([502, 402]);
  });

  it('frees what a request without a session was refused for, or never sent', async () => {
    const upstream = await new CountingUpstream().start();
    upstream.treatments = ['refuses', 'refuses', 'refuses'];
    const api = await startGateway(transport, upstream.baseURL, { maxSpend: '0.02USD' });
    const body = { ...K3, max_completion_tokens: 800, messages: [{ role: 'user', content: 'Ready?' }] };
    const statuses: number[] = [];
    for (let round = 0; round < 4; round += 1) statuses.push((await api.post('/v1/chat/completions', body)).status);
    expect(statuses).toEqual([429, 429, 429, 200]);
    const away = await startGateway(transport, `http://127.0.0.1:${await freePort()}/v1`, { maxSpend: '0.02USD' });
    for (let round = 0; round < 3; round += 1) {
      expect((await away.post('/v1/chat/completions', body)).status).toBe(502);
    }
  });

  it('keeps what a stream without a session may have cost that broke off behind its usage', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 1 };
    const base = await serve((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [], usage })}\n\n`, () => response.destroy());
    });
    const api = await startGateway(transport, base, { maxSpend: '0.02USD' });
    const body = JSON.stringify({ ...K3, stream: true, max_completion_tokens: 800, messages: [] });
    const ask = () => api.open('POST', '/v1/chat/completions', body);
    await expect((await ask()).text()).rejects.toThrow();
    expect((await ask()).status).toBe(402);
    expect(await spent(api)).toBe(0);
  });
});

it('a stream is read to its end where its client has gone in the middle, and stored for its retry', async () => {
  let goOn = (): void => undefined;
  const chunk = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`;
  let asked = 0;
  const base = await serve((_, response) => {
    asked += 1;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(chunk({ delta: { content: 'Y' } }));
    goOn = () => {
      response.write(chunk({ delta: { content: 'es.' } }));
      response.end(chunk({ delta: {}, finish_reason: 'stop' }));
    };
  });
  const api = await startGateway('over HTTP', base, { finishAbandoned: true });
  const session = await createSession(api, K3);
  const headers = { 'Idempotency-Key': 'one', 'Content-Type': 'application/json' };
  const body = JSON.stringify({
    ...K3,
    session_id: session.id,
    stream: true,
    messages: [{ role: 'user', content: 'Y?' }],
  });
  const abort = new AbortController();
  const response = await api.open('POST', '/v1/chat/completions', body, { headers, signal: abort.signal });
  const reader = response.body?.getReader();
  await reader?.read();
  abort.abort();
  await expect
    .poll(() => api.emulator.journal.entries({ operation: 'createChatCompletion' })[0]?.streamed?.ended)
    .toBe('left');
  goOn();
  await expect.poll(() => session.messages().then((window) => window.at(-1)?.content)).toBe('Yes.');
  expect((await api.send('POST', '/v1/chat/completions', body, { headers })).text).toContain('es.');
  expect(asked).toBe(1);
});

it('an answer whose client has gone is stored for its retry where the gateway finishes what was abandoned', async () => {
  const upstream = await new CountingUpstream().start();
  const api = await startGateway('over HTTP', upstream.baseURL, { finishAbandoned: true });
  const session = await createSession(api, K3);
  for (const stream of [false, true]) {
    const content = `stream ${stream}`;
    const headers = { 'Idempotency-Key': content, 'Content-Type': 'application/json' };
    const abort = new AbortController();
    const body = JSON.stringify({ ...K3, session_id: session.id, stream, messages: [{ role: 'user', content }] });
    const asking = api.open('POST', '/v1/chat/completions', body, { headers, signal: abort.signal });
    await expect.poll(() => upstream.calls.get(content)).toBe(1);
    abort.abort();
    await asking.then((response) => response.text()).catch(() => undefined);
    await expect.poll(() => session.messages().then((window) => window.at(-2)?.content)).toBe(content);
    const retry = await api.send('POST', '/v1/chat/completions', body, { headers });
    expect(retry.text).toContain('Yes.');
    expect(upstream.calls.get(content)).toBe(1);
  }
});
