import { describe, expect, it, vi } from 'vitest';
import { ERRORS } from '../../contract/errors.ts';
import type { Model } from '../../emulator/index.ts';
import { type Api, MODEL, type Reply, TRANSPORTS } from '../support/emulator.ts';
import { startFixed } from './live.ts';

const user = { role: 'user', content: 'hi' };
const chat = (api: Api, body: object = {}, key = 'sk-test') =>
  api.post('/v1/chat/completions', { model: MODEL, messages: [user], ...body }, { key });

/** An error of the live API: two fields, in this order, and nothing else. */
function expectError(reply: Reply, status: number, type: string, message: string): void {
  expect(reply.text).toBe(`{"error":{"message":"${message}","type":"${type}"}}`);
  expect(reply.status).toBe(status);
}

const FAILING: Model = {
  name: 'failing',
  // biome-ignore lint/correctness/useYield: it fails before it says anything
  async *complete() {
    throw new Error('a secret of the machine');
  },
};

describe.each(TRANSPORTS)('the errors of the live API %s', (transport) => {
  it('400 beyond the window, with the tokens requested', async () => {
    const api = await startFixed(transport);
    const reply = await chat(api, { max_tokens: 269_022 });
    const message = 'Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)';
    expectError(reply, 400, 'invalid_request_error', message);
  });

  it('400 for empty content', async () => {
    const api = await startFixed(transport);
    const reply = await chat(api, { messages: [{ role: 'user', content: '' }] });
    expectError(reply, 400, 'invalid_request_error', 'text content is empty');
  });

  it('400 for a tool call without its result, and for a result without its call', async () => {
    const api = await startFixed(transport);
    const call = { id: 'a', type: 'function', function: { name: 'f_1', arguments: '{}' } };
    const asking = { role: 'assistant', content: '', tool_calls: [call] };
    const result = { role: 'tool', tool_call_id: 'b', content: 'x' };
    for (const messages of [
      [user, asking],
      [user, asking, user],
      [user, asking, result],
      [user, result],
    ]) {
      expectError(await chat(api, { messages }), 400, 'invalid_request_error', 'tool_call_id  not found');
    }
  });

  it('400 for a body over the limit, with its size', async () => {
    const api = await startFixed(transport, { limits: { body_bytes: 2_097_152 } });
    const frame = JSON.stringify({ model: MODEL, messages: [{ ...user, content: '' }] });
    const content = 'x'.repeat(10_176_584 - frame.length);
    const reply = await chat(api, { messages: [{ ...user, content }] });
    const message = 'total message size 10176584 exceeds limit 2097152';
    expectError(reply, 400, 'invalid_request_error', message);
  });

  it('400 for what is out of range, naming the field', async () => {
    const api = await startFixed(transport);
    const reply = await chat(api, { temperature: 2 });
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(
      /^\{"error":\{"message":"Invalid request: temperature: [^"]+","type":"invalid_request_error"\}\}$/,
    );
    const choices = await chat(api, { temperature: 0, n: 2 });
    expect(choices.text).toMatch(
      /^\{"error":\{"message":"Invalid request: n [^"]+","type":"invalid_request_error"\}\}$/,
    );
  });

  it('401 without a key, and for a key that is not known', async () => {
    const api = await startFixed(transport, { apiKeys: ['sk-known'] });
    const type = 'invalid_authentication_error';
    const bare = await api.get('/v1/models', { headers: { Authorization: 'Basic eDp5' } });
    expectError(bare, 401, type, 'Invalid Authentication');
    expectError(await chat(api), 401, 'incorrect_api_key_error', 'Incorrect API key provided');
    expect((await chat(api, {}, 'sk-known')).status).toBe(200);
  });

  it('404 for a model that is not there', async () => {
    const api = await startFixed(transport);
    const message = 'Not found the model kimi-k9 or Permission denied';
    expectError(await chat(api, { model: 'kimi-k9' }), 404, 'resource_not_found_error', message);
    expectError(await api.get('/v1/models/kimi-k9'), 404, 'resource_not_found_error', message);
  });

  it('500 where the model fails, with nothing of why', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const api = await startFixed(transport, { model: FAILING });
    for (const stream of [false, true]) {
      expectError(await chat(api, { stream }), 500, 'unexpected_output', 'invalid state transition');
    }
    expect(logged).toHaveBeenCalledTimes(2);
    logged.mockRestore();
  });
});

it('every documented error has its status, type and x-should-retry', () => {
  const documented = Object.values(ERRORS)
    .filter(({ evidence }) => evidence === 'kimi')
    .map(({ status, type, retry }) => `${status} ${type} ${retry}`);
  expect([...new Set(documented)].sort()).toEqual([
    '400 content_filter false',
    '400 invalid_request_error false',
    '401 incorrect_api_key_error false',
    '401 invalid_authentication_error false',
    '403 permission_denied_error false',
    '404 resource_not_found_error false',
    '429 engine_overloaded_error true',
    '429 exceeded_current_quota_error false',
    '429 rate_limit_reached_error false',
    '429 rate_limit_reached_error true',
    '500 unexpected_output true',
  ]);
});
