import { describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../contract/errors.ts';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { called, expectRefusal, O200K, result, sized, tool, words } from '../support/session.ts';

const ESTIMATE = '/v1/tokenizers/estimate-token-count';

describe.each(TRANSPORTS)('models and tokens %s', (transport) => {
  it('a model is known by both its names, and by no other', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, limits: { window_tokens: 32_768 } });
    for (const id of [MODEL, 'kimi-k2-0905']) {
      expect((await api.get(`/v1/models/${id}`)).body).toMatchObject({ id, context_length: 32_768 });
    }
    const unknown = await api.get('/v1/models/gpt-4');
    expect(expectRefusal(unknown, 'model_not_found').message).toBe('Not found the model gpt-4 or Permission denied');
    expectRefusal(await api.post('/v1/chat/completions', { model: 'gpt-4', messages: [sized(9)] }), 'model_not_found');
    expectRefusal(await api.post(ESTIMATE, { model: 'gpt-4', messages: [sized(9)] }), 'model_not_found');
  });

  it('an estimate is the sum of messages and tools, and the three tokens that ask for an answer', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const estimate = async (messages: object[], more: object = {}) => {
      const { status, body } = await api.post<{ data: { total_tokens: number } }>(ESTIMATE, {
        model: MODEL,
        messages,
        ...more,
      });
      expect(status).toBe(200);
      return body.data.total_tokens;
    };
    expect(await estimate([])).toBe(3);
    expect(await estimate([sized(5)])).toBe(8);
    expect(await estimate([sized(9), sized(20, 'system')])).toBe(32);
    const calls = [called('a'), result('a')];
    const created = await api.post('/v1/sessions', { messages: [sized(9), ...calls], tools: [tool('look')] });
    const { total_tokens } = created.body.usage as { total_tokens: number };
    expect(await estimate([sized(9), ...calls], { tools: [tool('look')] })).toBe(total_tokens + 3);
    expect(await estimate([sized(9)], { tools: [] })).toBe(12);
    expect(await estimate([sized(9), { role: 'assistant', content: words(2), partial: true }])).toBe(9 + 6 - 1);
  });

  it('an estimate may be of any size', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const { body } = await api.post(ESTIMATE, { model: MODEL, messages: [sized(400_000)] });
    expect(body).toEqual({ data: { total_tokens: 400_003 } });
  });

  it('a fault of a route without a session has neither code nor param', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const faulty = [
      await api.post<ErrorBody>('/v1/chat/completions', { model: MODEL, messages: [sized(9)], temperature: 2 }),
      await api.post<ErrorBody>('/v1/chat/completions', { model: MODEL, messages: [] }),
      await api.post<ErrorBody>(ESTIMATE, { model: MODEL }),
      await api.send<ErrorBody>('POST', ESTIMATE, 'x', { headers: { 'Content-Type': 'text/plain' } }),
      await api.post<ErrorBody>('/v1/chat/completions', { model: MODEL, messages: [sized(9)], session_id: null, n: 9 }),
    ];
    for (const { status, body } of faulty) {
      expect(status).toBe(400);
      expect(Object.keys(body.error)).toEqual(['message', 'type']);
      expect(body.error.message).toMatch(/^Invalid request: /);
    }
  });

  it.each([
    ['GET', '/v1/nowhere'],
    ['PUT', '/v1/sessions'],
    ['PATCH', '/v1/sessions/sess_1'],
    ['DELETE', '/v1/sessions'],
    ['GET', '/v1/sessions/sess_1/truncate'],
    ['POST', '/v1/snapshots'],
    ['DELETE', '/v1/shares/shr_1'],
    ['POST', '/'],
    ['GET', '/_emulator/nowhere'],
  ])('%s %s is not a route and gets the 404 of the live API', async (method, path) => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const reply = await api.send(method, path, undefined, { headers: { 'User-Agent': 'test' } });
    expect(reply.status).toBe(404);
    const message = '没找到对象';
    const body = {
      code: 5,
      error: 'url.not_found',
      message,
      method,
      scode: '0x5',
      status: false,
      ua: 'test',
      url: path,
    };
    expect(reply.body).toEqual(body);
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(reply.headers.get('msh-request-id')).toMatch(/^req_[0-9a-f]{24}$/);
  });
});
