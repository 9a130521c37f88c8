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

  const read = { id: 'Read:158', type: 'function', function: { name: 'Read', arguments: '{}' } };
  const reading = { role: 'assistant', content: '', tool_calls: [read] };
  const UNANSWERED =
    "an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ";

  it.each([
    ['a call at the end', [user, reading], 'Read:158'],
    ['a call before a user message', [user, reading, user], 'Read:158'],
    ['two calls', [user, { ...reading, tool_calls: [read, { ...read, id: 'Read:159' }] }, user], 'Read:158, Read:159'],
  ])('400 for %s without a result names the ids [kimi-code 0.38.0]', async (_, messages, ids) => {
    const api = await startFixed(transport);
    expectError(await chat(api, { messages }), 400, 'invalid_request_error', UNANSWERED + ids);
  });

  it.each([
    ['whose call is gone', [user, { role: 'tool', tool_call_id: 'call_x', content: 'x' }]],
    ['of another call', [user, reading, { role: 'tool', tool_call_id: 'call_x', content: 'x' }]],
    [
      'behind those that are there',
      [
        user,
        reading,
        { role: 'tool', tool_call_id: 'Read:158', content: 'x' },
        { role: 'tool', tool_call_id: 'call_x', content: 'x' },
      ],
    ],
  ])('400 for a result %s names the id', async (_, messages) => {
    const api = await startFixed(transport);
    expectError(await chat(api, { messages }), 400, 'invalid_request_error', "tool_call_id 'call_x' not found");
  });

  it.each([
    ['without an id', [user, reading, { role: 'tool', content: 'x' }]],
    ['of an id that is null', [user, reading, { role: 'tool', tool_call_id: null, content: 'x' }]],
    ['of an empty id', [user, reading, { role: 'tool', tool_call_id: '', content: 'x' }]],
  ])('400 for a result %s', async (_, messages) => {
    const api = await startFixed(transport);
    expectError(await chat(api, { messages }), 400, 'invalid_request_error', 'tool_call_id  is not found');
  });

  it.each([
    ['an empty text', ''],
    ['null', null],
    ['a list of an empty text', [{ type: 'text', text: '' }]],
    ['an empty list', []],
    ['nothing', undefined],
  ])('400 for an assistant message of %s without calls names its position', async (_, content) => {
    const api = await startFixed(transport);
    const text = "Invalid request: the message at position 1 with role 'assistant' must not be empty";
    const reply = await chat(api, { messages: [user, { role: 'assistant', content }, user] });
    expectError(reply, 400, 'invalid_request_error', text);
  });

  it('400 for tool_calls beside a list of an empty text, and 200 beside an empty text or null', async () => {
    const api = await startFixed(transport);
    const result = { role: 'tool', tool_call_id: 'Read:158', content: 'x' };
    const beside = (content: unknown) => chat(api, { messages: [user, { ...reading, content }, result] });
    const listed = await beside([{ type: 'text', text: '' }]);
    expectError(listed, 400, 'invalid_request_error', 'text content is empty');
    for (const content of ['', null, undefined]) expect((await beside(content)).status).toBe(200);
  });

  it('400 for the role developer', async () => {
    const api = await startFixed(transport);
    const reply = await chat(api, { messages: [{ role: 'developer', content: 'Be brief.' }, user] });
    expectError(reply, 400, 'invalid_request_error', 'invalid request: unsupported role ROLE_UNSPECIFIED');
    // The dialect names the field and what it takes, here as everywhere.
    const created = await api.post('/v1/sessions', { messages: [{ role: 'developer', content: 'Be brief.' }] });
    expect(created).toMatchObject({ status: 400, body: { error: { param: 'messages[0].role' } } });
  });

  it('200 for a call that is sent back with arguments null, as kimi-code 0.38.0 does', async () => {
    const api = await startFixed(transport);
    const nothing = { ...reading, tool_calls: [{ ...read, function: { name: 'Read', arguments: null } }] };
    const result = { role: 'tool', tool_call_id: 'Read:158', content: 'x' };
    expect((await chat(api, { messages: [user, nothing, result] })).status).toBe(200);
  });

  it('400 for six stop strings, and 200 for five', async () => {
    const api = await startFixed(transport);
    const six = await chat(api, { stop: ['a', 'b', 'c', 'd', 'e', 'f'] });
    const text = 'stop array too long. Expected an array with maximum length 5, but got 6';
    expectError(six, 400, 'invalid_request_error', text);
    expect((await chat(api, { stop: ['a', 'b', 'c', 'd', 'e'] })).status).toBe(200);
  });

  it('400 for two tools of one name, in a chat and in a session', async () => {
    const api = await startFixed(transport);
    const tool = { type: 'function', function: { name: 'get_weather' } };
    const text = 'function name get_weather is duplicated';
    expectError(await chat(api, { tools: [tool, tool] }), 400, 'invalid_request_error', text);
    const created = await api.post('/v1/sessions', { tools: [tool, tool] });
    expect(created).toMatchObject({ status: 400, body: { error: { message: text } } });
    const { body } = await api.post<{ id: string }>('/v1/sessions', { tools: [tool] });
    const updated = await api.post(`/v1/sessions/${body.id}`, { tools: [tool, tool] });
    expect(updated).toMatchObject({ status: 400, body: { error: { message: text } } });
  });

  it('cuts max_completion_tokens of the whole window to what is left, and refuses the same max_tokens', async () => {
    const api = await startFixed(transport);
    expect((await chat(api, { max_completion_tokens: 262_144 })).status).toBe(200);
    const text = 'Invalid request: Your request exceeded model token limit: 262144 (requested: 262152)';
    expectError(await chat(api, { max_tokens: 262_144 }), 400, 'invalid_request_error', text);
    const strict = await startFixed(transport, { oversizedAnswer: 'refuse' });
    expectError(await chat(strict, { max_completion_tokens: 262_144 }), 400, 'invalid_request_error', text);
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
    const bare = await api.get('/v1/models', { headers: { Authorization: '' } });
    expectError(bare, 401, 'incorrect_api_key_error', 'Incorrect API key provided');
    expectError(await chat(api), 401, 'invalid_authentication_error', 'Invalid Authentication');
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
    '403 access_terminated_error false',
    '403 permission_denied_error false',
    '404 resource_not_found_error false',
    '429 engine_overloaded_error true',
    '429 exceeded_current_quota_error false',
    '429 rate_limit_reached_error false',
    '429 rate_limit_reached_error true',
    '500 server_error true',
    '500 unexpected_output true',
    '503 server_unavailable true',
    '504 gateway_timeout true',
  ]);
});
