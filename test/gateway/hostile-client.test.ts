import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Api } from '../support/emulator.ts';
import { createSession, expectRefusal } from '../support/session.ts';
import { serve, startGateway } from './gateway.ts';

interface Seen {
  line: string;
  host: string | undefined;
  headers: string[];
  body: string;
}

/** An upstream that remembers what it was asked, in the order in which it came. */
async function witness(): Promise<{ base: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const base = await serve((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const { method, url, headers, rawHeaders } = request;
      seen.push({ line: `${method} ${url}`, host: headers.host, headers: rawHeaders, body });
      response.setHeader('Content-Type', 'application/json').end('{"witness":true}');
    });
  });
  return { base, seen };
}

async function start(options: Parameters<typeof startGateway>[2] = {}) {
  const { base, seen } = await witness();
  const api = await startGateway('over HTTP', base, options);
  return { api, seen, upstream: new URL(base).host };
}

/** Sends exactly these bytes. @returns all that comes until the server closes the connection */
async function sendRaw({ emulator }: Api, lines: readonly string[], body = ''): Promise<string> {
  const { port, hostname } = new URL(emulator.baseURL);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (part) => {
    text += part;
  });
  socket.on('error', () => undefined);
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  await once(socket, 'close');
  return text;
}

const KEY = 'Authorization: Bearer sk-test';
const LAST = 'Connection: close';
const OWN_HOST = 'Host: 127.0.0.1';
const statusOf = (text: string) => Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1] ?? 0);

describe('a client of the gateway cannot choose the upstream', () => {
  it.each([
    ['an absolute request target', 'GET http://evil.example/v1/models HTTP/1.1', []],
    ['a path that begins with //', 'GET //evil.example/v1/models HTTP/1.1', []],
    ['X-Forwarded-Host', 'GET /v1/models HTTP/1.1', ['X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example']],
    ['a path that names a URL', 'GET /v1/http://evil.example/ HTTP/1.1', []],
    ['a path that goes on behind a user', 'GET /v1/@evil.example/ HTTP/1.1', []],
    ['Upgrade', 'GET /v1/models HTTP/1.1', ['Upgrade: websocket']],
  ])('by %s', async (_, line, more) => {
    const { api, seen, upstream } = await start();
    const text = await sendRaw(api, [line, OWN_HOST, KEY, ...more, LAST]);
    expect([200, 404]).toContain(statusOf(text));
    expect(seen.map(({ host }) => host)).toEqual(statusOf(text) === 200 ? [upstream] : []);
    expect(seen.flatMap(({ headers }) => headers.map((name) => name.toLowerCase()))).not.toContain('upgrade');
  });

  it('by a Host header, which must be one of the gateway', async () => {
    const { api, seen } = await start();
    expect(statusOf(await sendRaw(api, ['GET /v1/models HTTP/1.1', 'Host: evil.example', KEY, LAST]))).toBe(403);
    expect(seen).toEqual([]);
  });

  it('by CONNECT, which is not answered', async () => {
    const { api, seen } = await start();
    expect(await sendRaw(api, ['CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example:443'])).toBe('');
    expect(seen).toEqual([]);
  });

  it.each([
    '/v1/../admin',
    '/v1/%2e%2e/admin',
    '/v1/files/..%2f..%2fadmin',
    '/v1/..%5cadmin',
    '/v1/.%2E%2Fadmin',
    '/v1/..\\admin',
    '/v1/files/.%2fadmin',
  ])('by a path that leads out of the base URL: %s', async (path) => {
    const { api, seen } = await start({ upstreamKey: 'sk-own', apiKeys: ['sk-test'] });
    const text = await sendRaw(api, [`GET ${path} HTTP/1.1`, OWN_HOST, KEY, LAST]);
    expect([400, 404]).toContain(statusOf(text));
    expect(text).toContain('"error"');
    expect(seen).toEqual([]);
  });

  it('and a path with dots in its names is handed on', async () => {
    const { api, seen } = await start();
    for (const path of ['/files/a..b', '/files/...', '/files/.a', '/files/f%2F1.']) await api.get(`/v1${path}`);
    expect(seen.map(({ line }) => line)).toEqual([
      'GET /v1/files/a..b',
      'GET /v1/files/...',
      'GET /v1/files/.a',
      'GET /v1/files/f%2F1.',
    ]);
  });
});

describe('a client of the gateway cannot put a second request into its own', () => {
  const SECOND = 'GET /v1/smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
  const chunked = `${SECOND.length.toString(16)}\r\n${SECOND}\r\n0\r\n\r\n`;

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT'])('by a body of %s', async (method) => {
    for (const framing of ['Content-Length', 'Transfer-Encoding', 'a Content-Length that is dropped']) {
      const { api, seen } = await start();
      const isChunked = framing === 'Transfer-Encoding';
      const head = isChunked ? ['Transfer-Encoding: chunked'] : [`Content-Length: ${SECOND.length}`];
      const last = framing.endsWith('dropped') ? 'Connection: close, Content-Length' : LAST;
      const text = await sendRaw(
        api,
        [`${method} /v1/files HTTP/1.1`, OWN_HOST, KEY, ...head, last],
        isChunked ? chunked : SECOND,
      );
      expect(statusOf(text), framing).toBe(200);
      // Over the same connection: what was left of the first would be read as its start.
      expect((await api.get('/v1/models')).text, framing).toBe('{"witness":true}');
      expect(
        seen.map(({ line, body }) => [line, body]),
        framing,
      ).toEqual([
        [`${method} /v1/files`, SECOND],
        ['GET /v1/models', ''],
      ]);
    }
  });

  it.each([
    ['a length and chunks', [`Content-Length: ${chunked.length}`, 'Transfer-Encoding: chunked']],
    ['two lengths', ['Content-Length: 3', 'Content-Length: 4']],
    ['chunks under another name', ['Transfer-Encoding: xchunked']],
    ['a length with a sign', ['Content-Length: +3']],
  ])('by %s', async (_, head) => {
    const { api, seen } = await start();
    const text = await sendRaw(api, ['POST /v1/files HTTP/1.1', OWN_HOST, KEY, ...head, LAST], chunked);
    expect(statusOf(text)).toBe(400);
    expect(seen).toEqual([]);
  });

  it('by a chat whose length is dropped on the way', async () => {
    const { api, seen } = await start();
    const body = '{"model":"kimi-k3","messages":[]}';
    const head = [
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close, content-length',
    ];
    await sendRaw(api, ['POST /v1/chat/completions HTTP/1.1', OWN_HOST, KEY, ...head], body);
    await api.get('/v1/models');
    expect(seen.map((each) => [each.line, each.body])).toEqual([
      ['POST /v1/chat/completions', body],
      ['GET /v1/models', ''],
    ]);
  });
});

describe('a client of the gateway cannot have what is not its own', () => {
  it('sends the key that its account was told from, and no second one', async () => {
    const { api, seen } = await start();
    const keys = ['Authorization: Bearer sk-first', 'Authorization: Bearer sk-second'];
    await sendRaw(api, ['GET /v1/models HTTP/1.1', OWN_HOST, ...keys, LAST]);
    const sent = seen.flatMap(({ headers }) => headers).filter((text) => text.includes('sk-'));
    expect(sent).toEqual(['Bearer sk-first']);
  });

  it("does not see another account's sessions", async () => {
    const { api, seen } = await start();
    const session = await createSession(
      api,
      { model: 'kimi-k3', messages: [{ role: 'user', content: 'Mine.' }] },
      'sk-a',
    );
    const other = { key: 'sk-b' };
    expectRefusal(await api.get(session.path, other), 'session_not_found');
    const chat = { model: 'kimi-k3', session_id: session.id, messages: [{ role: 'user', content: 'Whose?' }] };
    expectRefusal(await api.post('/v1/chat/completions', chat, other), 'session_not_found', 'session_id');
    expect((await api.get<{ data: unknown[] }>('/v1/sessions', other)).body.data).toEqual([]);
    expect(seen).toEqual([]);
  });

  it('reads the journal of a gateway that others can reach with the control key alone', async () => {
    const { api } = await start({ upstreamKey: 'sk-own-secret' });
    await api.get('/v1/models', { key: 'sk-a-secret' });
    const open = await api.get('/_emulator/journal', { key: 'sk-b' });
    expect(open.status).toBe(200);
    expect(open.text).not.toContain('secret');
    await api.emulator.listen({ host: '0.0.0.0' });
    const port = new URL(api.emulator.baseURL).port;
    for (const key of ['sk-a-secret', 'sk-own-secret', 'any']) {
      const headers = { Authorization: `Bearer ${key}` };
      for (const route of ['journal', 'spend', 'state', 'faults']) {
        const { status } = await fetch(`http://127.0.0.1:${port}/_emulator/${route}`, { headers });
        expect(status, route).toBe(403);
      }
    }
  });
});
