import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import type { ErrorBody } from '../../contract/errors.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { expectRefusal, O200K } from '../support/session.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const KIB = 1_024;

function endless(part: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(part);
  return new ReadableStream({ pull: (controller) => controller.enqueue(bytes) });
}

describe.each(TRANSPORTS)('a request body %s', (transport) => {
  const start = () => startEmulator(transport, { tokenizer: O200K, limits: { body_bytes: 64 * KIB } });

  it('may be absent, and is then empty', async () => {
    const api = await start();
    expect((await api.send('POST', '/v1/sessions', undefined)).status).toBe(201);
    expect((await api.send('POST', '/v1/sessions', '')).status).toBe(201);
  });

  it('has to be a JSON object', async () => {
    const api = await start();
    for (const body of ['{', ' ', '{"title":}', 'null', '[]', '"x"', '1', 'true', '{"title":"a"}}']) {
      expectRefusal(await api.send('POST', '/v1/sessions', body, { headers: JSON_TYPE }), 'invalid_request');
    }
    expect((await api.get('/v1/sessions')).body.data).toEqual([]);
  });

  it('must not be compressed', async () => {
    const api = await start();
    const headers = (type: string) => ({ 'Content-Type': type, 'Content-Encoding': 'gzip' });
    const packed = new Blob([new Uint8Array(gzipSync('{"role":"user","content":"hi"}'))]);
    const { id } = (await api.post<{ id: string }>('/v1/sessions', {})).body;
    for (const type of ['application/json', 'application/x-ndjson']) {
      const answer = await api.open('POST', `/v1/sessions/${id}/messages`, packed.stream(), { headers: headers(type) });
      expect(answer.headers.get('kimi-emulator-hint')).toContain('send the body uncompressed');
      expect([answer.status, ((await answer.json()) as ErrorBody).error.param]).toEqual([400, 'Content-Encoding']);
    }
    const state = async () => (await api.get(`/v1/sessions/${id}`)).text;
    const before = await state();
    for (const type of ['application/json', 'application/x-ndjson']) {
      const text = '{"role":"user","content":"hi"}\n';
      const answer = await api.send('POST', `/v1/sessions/${id}/messages`, text, { headers: headers(type) });
      expectRefusal(answer, 'invalid_request', 'Content-Encoding');
    }
    expect(await state()).toBe(before);
    const plain = { headers: { ...JSON_TYPE, 'Content-Encoding': 'identity' } };
    expect((await api.send('POST', '/v1/sessions', '{}', plain)).status).toBe(201);
  });

  it('has to be of a JSON type', async () => {
    const api = await start();
    const send = (type: string) => api.send('POST', '/v1/sessions', '{}', { headers: { 'Content-Type': type } });
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonp',
      '',
    ]) {
      expectRefusal(await send(type), 'invalid_request', 'Content-Type');
    }
    expect((await api.get('/v1/sessions')).body.data).toEqual([]);
    for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.api+json']) {
      expect((await send(type)).status).toBe(201);
    }
  });

  it('is taken up to body_bytes and refused above, naming both sizes', async () => {
    const api = await start();
    const body = (bytes: number) => `{"title":"x","y":"${'z'.repeat(bytes - 20)}"}`;
    const fits = await api.send('POST', '/v1/sessions', body(64 * KIB), { headers: JSON_TYPE });
    expect(fits.status).toBe(201);
    const reply = await api.send('POST', '/v1/sessions', body(64 * KIB + 1), { headers: JSON_TYPE });
    const { message } = expectRefusal(reply, 'body_too_large');
    expect(message).toBe(`total message size ${64 * KIB + 1} exceeds limit ${64 * KIB}`);
    expect((await api.get('/v1/sessions')).body.data).toHaveLength(1);
  });

  it('that never ends is refused while it is read', async () => {
    const api = await start();
    const body = endless('x'.repeat(KIB));
    const reply = await api.send('POST', '/v1/sessions', body, { headers: JSON_TYPE });
    expectRefusal(reply, 'body_too_large');
  });

  it('nested 10,000 deep is refused without being parsed', async () => {
    const api = await start();
    const deep = `{"metadata":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`;
    expectRefusal(await api.send('POST', '/v1/sessions', deep, { headers: JSON_TYPE }), 'invalid_request');
  });

  it('of a hundred thousand wrong items is refused for the first of them', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const { body: session } = await api.post('/v1/sessions');
    const calls = `[${'{},'.repeat(49_000)}{}]`;
    const body = `{"role":"assistant","content":"","tool_calls":${calls}}`;
    const reply = await api.send<ErrorBody>('POST', `/v1/sessions/${session.id}/messages`, body, {
      headers: JSON_TYPE,
    });
    expect(reply.status).toBe(400);
    expect(reply.body.error.param).toBe('messages[0].tool_calls[0].id');
  });
});

describe('a request body over HTTP', () => {
  it('that never ends is answered long before it does, and the server goes on', async () => {
    const api = await startEmulator('over HTTP', { tokenizer: O200K });
    const sending = request(`${api.emulator.baseURL}/sessions`, {
      method: 'POST',
      headers: { ...JSON_TYPE, Authorization: 'Bearer k', 'Transfer-Encoding': 'chunked' },
    });
    sending.on('error', () => undefined);
    const part = Buffer.alloc(64 * KIB, ' ');
    const send = () => {
      while (!sending.destroyed && sending.write(part));
      sending.once('drain', send);
    };
    send();
    const [response] = await once(sending, 'response');
    expect(response.statusCode).toBe(400);
    sending.destroy();
    expect((await api.post('/v1/sessions')).status).toBe(201);
  });

  it('declared too large is refused before any of it is sent', async () => {
    const api = await startEmulator('over HTTP', { tokenizer: O200K });
    const headers = { ...JSON_TYPE, Authorization: 'Bearer k', 'Content-Length': 2 ** 40 };
    const sending = request(`${api.emulator.baseURL}/sessions`, { method: 'POST', headers });
    sending.flushHeaders();
    const [response] = await once(sending, 'response');
    expect(response.statusCode).toBe(400);
    sending.destroy();
  });

  it.each(['Content-Length: 1000\r\n\r\n{"title":', 'Transfer-Encoding: chunked\r\n\r\n5\r\n{"tit\r\n'])(
    'whose client disconnects in the middle is not logged as an error (%j)',
    async (rest) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const api = await startEmulator('over HTTP', { tokenizer: O200K });
      const { port } = new URL(api.emulator.baseURL);
      const socket = connect(Number(port), '127.0.0.1');
      const head = 'POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer k\r\nExpect: 100-continue';
      socket.write(`${head}\r\nContent-Type: application/json\r\n${rest}`);
      // The server has begun with the request once it says 100 Continue.
      await once(socket, 'data');
      socket.destroy();
      await api.emulator.close();
      expect(log).not.toHaveBeenCalled();
      log.mockRestore();
    },
  );
});
