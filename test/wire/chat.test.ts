import { describe, expect, it } from 'vitest';
import { MODEL, TRANSPORTS } from '../support/emulator.ts';
import { maskId, saying, startFixed, WEATHER } from './live.ts';

const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } });
const hi = { model: MODEL, messages: [{ role: 'user', content: 'hi' }] };

describe.each(TRANSPORTS)('a chat completion %s', (transport) => {
  it('has the captured keys in the captured order', async () => {
    const api = await startFixed(transport);
    const { text, status } = await api.post('/v1/chat/completions', hi);
    expect(status).toBe(200);
    expect(maskId(text)).toBe(
      '{"id":"chatcmpl-ID","object":"chat.completion","created":1795334400,"model":"kimi-k2-0905-preview",' +
        '"choices":[{"index":0,"message":{"role":"assistant","content":"OK"},"finish_reason":"stop"}],' +
        '"usage":{"prompt_tokens":8,"completion_tokens":1,"total_tokens":9}}',
    );
  });

  it('carries tool calls with an index, an empty content and ids of the form functions.NAME:IDX', async () => {
    const api = await startFixed(transport, { model: WEATHER });
    const body = { ...hi, tools: [tool('get_weather'), tool('get_time')] };
    const { text } = await api.post('/v1/chat/completions', body);
    expect(maskId(text).replace(/"usage":.*/, '')).toBe(
      '{"id":"chatcmpl-ID","object":"chat.completion","created":1795334400,"model":"kimi-k2-0905-preview",' +
        '"choices":[{"index":0,"message":{"role":"assistant","content":"","tool_calls":[' +
        '{"index":0,"id":"functions.get_weather:0","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\":\\"Berlin\\"}"}},' +
        '{"index":1,"id":"functions.get_time:1","type":"function","function":{"name":"get_time","arguments":"{}"}}]},' +
        '"finish_reason":"tool_calls"}],',
    );
  });

  it('says length where max_tokens cut it', async () => {
    const api = await startFixed(transport, { model: saying({ type: 'text', text: 'one two three' }) });
    const { text } = await api.post('/v1/chat/completions', { ...hi, max_tokens: 2 });
    expect(text).toContain('"message":{"role":"assistant","content":"one two"},"finish_reason":"length"');
    expect(text).toContain('"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}');
  });

  it('echoes the model name as it was given', async () => {
    const api = await startFixed(transport);
    const { body } = await api.post('/v1/chat/completions', { ...hi, model: 'kimi-k2-0905' });
    expect(body.model).toBe('kimi-k2-0905');
  });

  it('adds the session, in a session only, behind everything that the live API sends', async () => {
    const api = await startFixed(transport);
    const { body: session } = await api.post('/v1/sessions');
    const { text } = await api.post('/v1/chat/completions', { ...hi, session_id: session.id });
    expect(text).toContain(
      `"usage":{"prompt_tokens":8,"completion_tokens":1,"total_tokens":9},"session":{"id":"${session.id}","version":2,` +
        '"usage":{"total_tokens":10,"tools_tokens":0,"remaining_tokens":262134,"messages":2}}}',
    );
  });
});
