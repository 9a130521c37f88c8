import { describe, expect, test } from 'vitest';
import { createGateway } from '../../../emulator/index.ts';
import { MODEL, openApi, readEvents, startEmulator, TRANSPORTS } from '../../support/emulator.ts';
import { scripted } from './ask.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

interface Chat {
  choices: { message: { content: string } }[];
}

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

  test('/_emulator/script shows, replaces and removes the script, with the checks of --script', async () => {
    const api = await startEmulator(transport);
    const put = (script: unknown) =>
      api.send('PUT', '/_emulator/script', JSON.stringify(script), { headers: JSON_TYPE });
    const said = async () =>
      (await api.post<Chat>('/v1/chat/completions', ask('order 7'))).body.choices[0]?.message.content;
    const empty = { object: 'script', strict: false, rules: [], unused: [] };
    expect((await api.get('/_emulator/script')).body).toEqual(empty);
    const rules = [{ name: 'order', when: { text: '/order (\\d+)/' }, replies: ['It is $1.', 'Still $1.'] }];
    const loaded = await put({ strict: true, rules });
    expect(loaded).toMatchObject({ status: 200, body: { strict: true, rules, unused: ['"order" (rule 1)'] } });
    expect(await said()).toBe('It is 7.');
    expect((await api.get('/_emulator/script')).body).toMatchObject({ rules, unused: [] });
    const wrong = await put([{ when: { txt: 'order' }, reply: 'x' }]);
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('script: [0].when: \\"txt\\" is unknown here; did you mean text?');
    expect((await put('order')).text).toContain('script: must be a list of rules, or {strict, rules}');
    expect(await said()).toBe('Still 7.');
    expect(await put(rules)).toMatchObject({ status: 200, body: { strict: false } });
    expect(await said()).toBe('It is 7.');
    expect((await api.delete('/_emulator/script')).body).toEqual({ deleted: true });
    expect((await api.get('/_emulator/script')).body).toEqual(empty);
    expect(await said()).not.toContain('7.');
  });

  test('/_emulator/script of a gateway takes no script, as its upstream answers', async () => {
    const api = await openApi(createGateway({ upstream: 'http://127.0.0.1:9/v1' }), transport);
    const refused = await api.send('PUT', '/_emulator/script', '[{"reply": "x"}]', { headers: JSON_TYPE });
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('takes no script') });
  });

  test('/_emulator/script shows rules from code as far as JSON can hold them', async () => {
    const api = await startEmulator(transport);
    await api.emulator.script([
      { when: { text: /a/i }, reply: () => 'x' },
      { when: () => true, reply: { json: [1] } },
    ]);
    expect((await api.get('/_emulator/script')).body).toMatchObject({
      rules: [
        { when: { text: '/a/i' }, replies: ['[function]'] },
        { when: '[function]', replies: [{ json: [1] }] },
      ],
    });
  });

  test('a function as a reply answers over the API, and one that fails is a 400 that names its rule', async () => {
    const api = await startEmulator(transport);
    await api.emulator.script([
      { name: 'fails', when: { text: 'fail' }, reply: () => Promise.reject(new Error('out of order')) },
      { reply: ({ messages, model }) => `${messages.length} for ${model}` },
    ]);
    const fine = await api.post<Chat>('/v1/chat/completions', ask('hi'));
    expect(fine.body.choices[0]?.message.content).toBe(`1 for ${MODEL}`);
    for (const stream of [false, true]) {
      const failed = await api.post('/v1/chat/completions', ask('fail', { stream }));
      expect(failed).toMatchObject({
        status: 400,
        text: expect.stringContaining('rule \\"fails\\" (rule 1) of the script: out of order'),
      });
    }
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
