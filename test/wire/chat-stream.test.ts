import { describe, expect, it } from 'vitest';
import { type Api, MODEL, TRANSPORTS } from '../support/emulator.ts';
import { maskId, saying, startFixed, WEATHER } from './live.ts';

const HEAD = '"id":"chatcmpl-ID","object":"chat.completion.chunk","created":1795334400,"model":"kimi-k2-0905-preview"';
const OPENING = `{${HEAD},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`;
const USAGE = '{"prompt_tokens":8,"completion_tokens":1,"total_tokens":9}';
const FINISH =
  `{${HEAD},"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":${USAGE}}],` +
  '"system_fingerprint":"fpv0_10a6da87"}';

const delta = (text: string) => `{${HEAD},"choices":[{"index":0,"delta":${text},"finish_reason":null}]}`;
const events = (...data: string[]) => data.map((item) => `data: ${item}\n\n`).join('');

const hi = { model: MODEL, messages: [{ role: 'user', content: 'hi' }], stream: true };
const stream = async (api: Api, body: object = {}) => {
  const { text } = await api.post('/v1/chat/completions', { ...hi, ...body });
  return text;
};

describe.each(TRANSPORTS)('a streamed chat completion %s', (transport) => {
  it('sends the captured chunks, usage inside the choice of the last one', async () => {
    const api = await startFixed(transport);
    const text = await stream(api);
    expect(maskId(text)).toBe(events(OPENING, delta('{"content":"OK"}'), FINISH, '[DONE]'));
  });

  it('sends one chunk more with include_usage, and none without', async () => {
    const api = await startFixed(transport);
    const usage = `{${HEAD},"choices":[],"usage":${USAGE}}`;
    const text = await stream(api, { stream_options: { include_usage: true } });
    expect(maskId(text)).toBe(events(OPENING, delta('{"content":"OK"}'), FINISH, usage, '[DONE]'));
    expect(maskId(await stream(api, { stream_options: { include_usage: false } }))).not.toContain('"choices":[]');
  });

  it('sends a tool call as its opening and its arguments', async () => {
    const api = await startFixed(transport, { model: WEATHER });
    const tool = { type: 'function', function: { name: 'get_weather', parameters: {} } };
    const text = maskId(await stream(api, { tools: [tool] }));
    const finish = text.indexOf(`{${HEAD},"choices":[{"index":0,"delta":{},`);
    expect(text.slice(0, finish)).toBe(
      `${events(
        OPENING,
        delta(
          '{"tool_calls":[{"index":0,"id":"functions.get_weather:0","type":"function","function":{"name":"get_weather","arguments":""}}]}',
        ),
        delta('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"city\\":\\"Berlin\\"}"}}]}'),
        delta(
          '{"tool_calls":[{"index":1,"id":"functions.get_time:1","type":"function","function":{"name":"get_time","arguments":""}}]}',
        ),
        delta('{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}'),
      )}data: `,
    );
    expect(text.slice(finish)).toMatch(/"finish_reason":"tool_calls","usage":\{[^{}]*\}\}\],"system_fingerprint"/);
  });

  it('never splits a character, and names usage in no chunk before the last', async () => {
    const said = '你好🌍 e\u0301 '.repeat(20);
    const api = await startFixed(transport, { model: saying({ type: 'text', text: said }), streamChunkSize: 3 });
    const text = await stream(api);
    const data = text
      .split('\n\n')
      .slice(0, -2)
      .map((event) => JSON.parse(event.slice('data: '.length)));
    const pieces: string[] = data.map(({ choices }) => choices[0].delta.content ?? '');
    expect(pieces.join('')).toBe(said);
    expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
    expect(data.length).toBeGreaterThan(60);
    for (const chunk of data.slice(0, -1)) expect(JSON.stringify(chunk)).not.toContain('usage');
  });

  it('adds the session to the finish chunk, behind everything that the live API sends', async () => {
    const api = await startFixed(transport);
    const { body: session } = await api.post('/v1/sessions');
    const text = maskId(await stream(api, { session_id: session.id }));
    const state =
      `{"id":"${session.id}","version":2,"usage":` +
      '{"total_tokens":10,"tools_tokens":0,"remaining_tokens":262134,"messages":2}}';
    const finish = `${FINISH.slice(0, -1)},"session":${state}}`;
    expect(text).toBe(events(OPENING, delta('{"content":"OK"}'), finish, '[DONE]'));
  });
});
