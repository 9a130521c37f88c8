import { describe, expect, it } from 'vitest';
import { type Api, MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';

const ROUTES: [method: 'GET' | 'POST' | 'DELETE', path: string][] = [
  ['POST', '/v1/sessions'],
  ['GET', '/v1/sessions'],
  ['GET', '/v1/sessions/sess_1'],
  ['POST', '/v1/sessions/sess_1/messages'],
  ['POST', '/v1/sessions/sess_1/truncate'],
  ['GET', '/v1/snapshots'],
  ['DELETE', '/v1/snapshots/snap_1'],
  ['GET', '/v1/shares/shr_1'],
];

const start = (transport: (typeof TRANSPORTS)[number]): Promise<Api> =>
  startEmulator(transport, { tokenizer: O200K, stateless: true });

describe.each(TRANSPORTS)('an emulator without sessions, %s', (transport) => {
  it.each(ROUTES)('does not find %s %s, as the live API does not', async (method, path) => {
    const api = await start(transport);
    const { status, body } = method === 'POST' ? await api.post(path) : await api.send(method, path, undefined);
    expect([status, body]).toMatchObject([404, { error: 'url.not_found', method, url: path }]);
  });

  it.each([false, true])('ignores session_id like other unknown fields, streamed: %s', async (stream) => {
    const api = await start(transport);
    const request = { model: MODEL, stream, messages: [{ role: 'user', content: 'Reply with only PONG' }] };
    const { status, headers, text } = await api.post('/v1/chat/completions', { ...request, session_id: 7 });
    expect([status, headers.get('kimi-emulator-ignored')]).toEqual([200, 'session_id']);
    expect(text).not.toContain('"session"');
    const refused = await api.post('/v1/chat/completions', { ...request, messages: [], session_id: 'sess_1' });
    expect(refused.body).toEqual({ error: { message: expect.any(String), type: 'invalid_request_error' } });
  });
});
