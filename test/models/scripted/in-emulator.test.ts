import { describe, expect, test } from 'vitest';
import { MODEL, readEvents, startEmulator, TRANSPORTS } from '../../support/emulator.ts';
import { scripted } from './ask.ts';

const ask = (content: string, more: object = {}) => ({ model: MODEL, messages: [{ role: 'user', content }], ...more });

describe.each(TRANSPORTS)('%s', (transport) => {
  test('a scripted answer respects max_tokens and stop, and its usage is counted', async () => {
    const api = await startEmulator(transport, { model: scripted([{ reply: 'one two three four five' }]) });
    const cut = await api.post('/v1/chat/completions', ask('hi', { max_tokens: 2 }));
    expect(cut.body).toMatchObject({
      choices: [{ message: { content: 'one two' }, finish_reason: 'length' }],
      usage: { prompt_tokens: 8, completion_tokens: 2 },
    });
    const stopped = await api.post('/v1/chat/completions', ask('hi', { stop: ' three' }));
    expect(stopped.body).toMatchObject({ choices: [{ message: { content: 'one two' }, finish_reason: 'stop' }] });
  });

  test('scripted reasoning is given and counted where the request thinks, and left out where it does not', async () => {
    const reply = { reasoning: 'One two three.', tool_calls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] };
    const api = await startEmulator(transport, { model: scripted([{ reply }]) });
    const thinking = await api.post('/v1/chat/completions', ask('hi', { model: 'kimi-k3' }));
    expect(thinking.body).toMatchObject({
      choices: [{ message: { reasoning_content: 'One two three.', tool_calls: [{ id: 'get_weather_0' }] } }],
      usage: { completion_tokens_details: { reasoning_tokens: 4 } },
    });
    for (const more of [{ model: 'kimi-k3', thinking: { type: 'disabled' } }, { model: MODEL }]) {
      const { text } = await api.post('/v1/chat/completions', ask('hi', more));
      expect(text).toContain('get_weather');
      expect(text).not.toContain('reasoning');
    }
  });

  test('an error comes before anything is sent, streamed or not', async () => {
    const api = await startEmulator(transport, { model: scripted([{ reply: { error: 'engine_overloaded' } }]) });
    for (const stream of [false, true]) {
      const reply = await api.post('/v1/chat/completions', ask('hi', { stream }));
      expect(reply.status).toBe(429);
      expect(reply.headers.get('x-should-retry')).toBe('true');
      expect(reply.body).toEqual({
        error: {
          message: 'The engine is currently overloaded, please try again later',
          type: 'engine_overloaded_error',
        },
      });
    }
  });

  test('tool calls are issued, and their results are answered', async () => {
    const rules = [
      { when: { tool: { name: 'get_weather', content: 'sun' } }, reply: 'Take a hat.' },
      { reply: { tool_calls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] } },
    ];
    const api = await startEmulator(transport, { model: scripted(rules) });
    const session = await api.post<{ id: string }>('/v1/sessions');
    const inSession = { session_id: session.body.id };
    const called = await api.post('/v1/chat/completions', ask('weather?', { ...inSession, stream: true }));
    const { chunks, done } = readEvents(called.text);
    expect(done).toBe(true);
    expect(JSON.stringify(chunks)).toContain('functions.get_weather:0');
    const messages = [{ role: 'tool', tool_call_id: 'functions.get_weather:0', content: 'sunny' }];
    const answered = await api.post('/v1/chat/completions', { model: MODEL, messages, ...inSession });
    expect(answered.body).toMatchObject({ choices: [{ message: { content: 'Take a hat.' } }] });
  });

  test('turns of a session are counted through truncate, and a refused one is not', async () => {
    const rules = [
      { when: { turn: 2 }, reply: { error: 'rpm_limit' as const }, times: 1 },
      { when: { turn: 2 }, reply: 'second' },
      { when: { turn: 3 }, reply: 'third' },
    ];
    const model = scripted(rules);
    const api = await startEmulator(transport, { model, limits: { min_preserve_tokens: 16 } });
    const { id } = (await api.post<{ id: string }>('/v1/sessions')).body;
    const said = async (content: string) => {
      const { status, body } = await api.post('/v1/chat/completions', ask(content, { session_id: id }));
      return status === 200
        ? (body as { choices: { message: { content: string } }[] }).choices[0]?.message.content
        : status;
    };
    expect([await said('a '.repeat(40)), await said('b'), await said('b')]).toEqual(['next', 429, 'second']);
    await api.post(`/v1/sessions/${id}/truncate`, { preserve_len: 16 });
    expect(await said('c')).toBe('third');
  });

  test('strict: a request that no rule answers is a 400 that says why', async () => {
    const rules = [{ name: 'greet', when: { text: 'hello' }, reply: 'Hi!' }];
    const api = await startEmulator(transport, { model: scripted(rules, { strict: true }) });
    const reply = await api.post('/v1/chat/completions', ask('bye'));
    expect(reply.status).toBe(400);
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(reply.body).toMatchObject({
      error: { message: expect.stringContaining('closest rule "greet" (rule 1)'), type: 'invalid_request_error' },
    });
  });
});
