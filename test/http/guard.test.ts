import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ERRORS } from '../../contract/errors.ts';
import { HostNames } from '../../emulator/http/middleware.ts';
import { createEmulator, type EmulatorOptions } from '../../emulator/index.ts';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { expectRefusal, O200K } from '../support/session.ts';

const PAGE = 'http://localhost:5173';
const FOREIGN = ['https://evil.example', 'null', 'http://localhost', `${PAGE}.evil.example`, 'file://'];

/** `fetch` sets Host itself, so this is what a page that rebinds a name, or curl, sends. */
async function sendWithHost(baseURL: string, host: string | undefined, path = '/v1/models') {
  const { port } = new URL(baseURL);
  const headers = { ...(host !== undefined && { Host: host }), Authorization: 'Bearer k' };
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path, headers, setHost: false }, async (response) =>
      resolve({ status: response.statusCode, body: await text(response) }),
    );
    sent.on('error', reject).end();
  });
}

describe('control routes', () => {
  const CONTROL_KEY = 'sk-control-1';
  const routes: [string, string][] = [
    ['GET', '/_emulator/export'],
    ['GET', '/_emulator/journal'],
    ['DELETE', '/_emulator/journal'],
    ['GET', '/_emulator/spend'],
    ['POST', '/_emulator/reset'],
    ['GET', '/_emulator/nothing'],
    ['GET', '/_emulator'],
  ];
  /** Bound to every address and asked over loopback: by whom a request was sent is not seen behind a proxy. */
  async function everywhere(options: EmulatorOptions = {}) {
    const emulator = createEmulator({ tokenizer: O200K, ...options });
    onTestFinished(() => emulator.close());
    const { port } = await emulator.listen({ host: '0.0.0.0' });
    const ask = (method: string, path: string, key?: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
      });
    return { emulator, ask };
  }

  it.each(routes)(
    '%s %s is closed on a server that other machines can reach, with a text and a hint',
    async (method, path) => {
      const { ask } = await everywhere({ apiKeys: ['sk-one'] });
      for (const key of [undefined, 'sk-one', 'any']) {
        const response = await ask(method, path, key);
        expect(response.status).toBe(403);
        expect(response.headers.get('kimi-emulator-hint')).toContain('KIMI_EMULATOR_CONTROL_KEY');
        expect(await response.json()).toMatchObject({
          error: {
            type: 'permission_denied_error',
            message: expect.stringContaining('--control-key (option controlKey)'),
          },
        });
      }
      expect((await ask('GET', '/_emulator/health')).status).toBe(200);
      expect((await ask('GET', '/v1/models', 'sk-one')).status).toBe(200);
    },
  );

  it.each(routes)('%s %s asks for the control key where there is one', async (method, path) => {
    const { ask } = await everywhere({ controlKey: CONTROL_KEY });
    for (const key of [undefined, 'any', `${CONTROL_KEY}x`, CONTROL_KEY.slice(0, -1)]) {
      const response = await ask(method, path, key);
      expect(response.status).toBe(403);
      expect(response.headers.get('kimi-emulator-hint')).toContain('an API key is not one');
    }
    expect((await ask(method, path, CONTROL_KEY)).status).not.toBe(403);
  });

  it('ask for the key on loopback too, and not in process', async () => {
    const closed = await startEmulator('over HTTP', { tokenizer: O200K, controlKey: CONTROL_KEY });
    expect((await closed.get('/_emulator/journal')).status).toBe(403);
    const own = await startEmulator('in process', { tokenizer: O200K, controlKey: CONTROL_KEY });
    expect((await own.get('/_emulator/journal')).status).toBe(200);
    const open = await startEmulator('over HTTP', { tokenizer: O200K });
    expect((await open.get('/_emulator/journal')).status).toBe(200);
  });

  it('the control key is checked as an option', () => {
    expect(() => createEmulator({ controlKey: '' })).toThrow(/option controlKey must be a key that a header can carry/);
    expect(() => createEmulator({ controlKey: 'two words' })).toThrow(RangeError);
  });
});

const NOT_A_URL = {
  status: 400,
  error: { type: ERRORS.invalid_request.type, message: expect.stringMatching(/^Invalid request: Host and the path/) },
};

describe('the Host header', () => {
  it.each(['localhost', 'LOCALHOST:80', '127.0.0.1:4100', '[::1]:4100', '127.0.0.1'])('may be %s', async (host) => {
    const api = await startEmulator('over HTTP', { tokenizer: O200K });
    expect((await sendWithHost(api.emulator.baseURL, host)).status).toBe(200);
  });

  it.each(['evil.example', 'localhost.evil.example', '192.168.0.7', 'localhost@evil.example', '127.0.0.1.nip.io:4100'])(
    'is refused as %s, on control routes too',
    async (host) => {
      const api = await startEmulator('over HTTP', { tokenizer: O200K });
      for (const path of ['/v1/models', '/_emulator/health', '/']) {
        const { status, body } = await sendWithHost(api.emulator.baseURL, host, path);
        // Text that is not a host name is refused before it reaches the emulator.
        if (host.includes('@')) expect({ status, ...JSON.parse(body) }).toMatchObject(NOT_A_URL);
        else
          expect({ status, ...JSON.parse(body) }).toMatchObject({
            status: 403,
            error: { type: ERRORS.permission_denied.type, message: expect.stringContaining(host) },
          });
      }
    },
  );

  it.each([
    'localhost:99999',
    'localhost:port',
    'localhost:',
    'localhost:80:80',
    '[::1',
    'a b',
    'localhost/x',
    'localhost?x',
  ])('is refused as %s, which no URL can hold, in the envelope of every error', async (host) => {
    const api = await startEmulator('over HTTP', { tokenizer: O200K });
    const { status, body } = await sendWithHost(api.emulator.baseURL, host);
    expect({ status, ...JSON.parse(body) }).toEqual(NOT_A_URL);
  });

  it('is refused where it is missing, in the envelope of every error', async () => {
    const api = await startEmulator('over HTTP', { tokenizer: O200K });
    const { status, body } = await sendWithHost(api.emulator.baseURL, undefined);
    expect({ status, ...JSON.parse(body) }).toEqual(NOT_A_URL);
  });

  it('may be a name that was allowed', async () => {
    const api = await startEmulator('over HTTP', { tokenizer: O200K, allowedHosts: ['Kimi.internal'] });
    expect((await sendWithHost(api.emulator.baseURL, 'kimi.internal:4100')).status).toBe(200);
    expect((await sendWithHost(api.emulator.baseURL, 'other.internal')).status).toBe(403);
  });

  it('may be any address, and no foreign name, once the server is bound to more than loopback', () => {
    const hosts = new HostNames([]);
    expect(hosts.include('192.168.0.7:4100')).toBe(false);
    hosts.bind('0.0.0.0');
    expect(hosts.include('192.168.0.7:4100')).toBe(true);
    expect(hosts.include('[fe80::1]:4100')).toBe(true);
    expect(hosts.include('evil.example')).toBe(false);
    expect(hosts.include('')).toBe(false);
    expect(hosts.include('a b')).toBe(false);
  });
});

describe.each(TRANSPORTS)('a page of another origin %s', (transport) => {
  it.each(FOREIGN)('%s gets nothing and changes nothing', async (origin) => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const call = { headers: { Origin: origin } };
    const created = await api.post('/v1/sessions', {}, call);
    expectRefusal(created, 'permission_denied');
    expect(created.headers.get('access-control-allow-origin')).toBeNull();
    expectRefusal(await api.get('/v1/models', call), 'permission_denied');
    expectRefusal(await api.send('OPTIONS', '/v1/sessions', undefined, call), 'permission_denied');
    expectRefusal(await api.get('/_emulator/health', call), 'permission_denied');
    expect((await api.get('/v1/sessions')).body.data).toEqual([]);
  });

  it('is let in where its origin is allowed, and can read our headers', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, cors: [PAGE] });
    const call = { headers: { Origin: PAGE } };
    const chat = { model: MODEL, messages: [{ role: 'user', content: 'hi' }], stream: true };
    const replies = [
      await api.post('/v1/sessions', {}, call),
      await api.get('/v1/sessions/none', call),
      await api.post('/v1/chat/completions', chat, call),
    ];
    for (const reply of replies) {
      expect(reply.headers.get('access-control-allow-origin')).toBe(PAGE);
      expect(reply.headers.get('vary')).toContain('Origin');
      const exposed = reply.headers.get('access-control-expose-headers') ?? '';
      const names = exposed.split(', ').map((name) => name.toLowerCase());
      for (const name of ['etag', 'x-should-retry', 'retry-after', 'msh-request-id', 'idempotent-replayed']) {
        expect(names).toContain(name);
      }
    }
    for (const origin of FOREIGN) {
      expectRefusal(await api.get('/v1/models', { headers: { Origin: origin } }), 'permission_denied');
    }
  });

  it('has its preflight answered without a key', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, cors: [PAGE], apiKeys: ['sk-other'] });
    const asked = 'authorization,content-type,idempotency-key,x-stainless-os';
    const headers = {
      Origin: PAGE,
      'Access-Control-Request-Method': 'DELETE',
      'Access-Control-Request-Headers': asked,
    };
    const preflight = await api.send('OPTIONS', '/v1/sessions/sess_1', undefined, { headers });
    expect(preflight.status).toBe(204);
    expect(preflight.text).toBe('');
    expect(preflight.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(preflight.headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(preflight.headers.get('access-control-allow-headers')).toBe(asked);
  });

  it('never reaches a control route, allowed or not', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, cors: [PAGE] });
    for (const path of ['/_emulator/health', '/_emulator/', '/_emulator', '/%5femulator/health']) {
      const reply = await api.send('GET', path, undefined, { headers: { Origin: PAGE } });
      expect(reply.headers.get('access-control-allow-origin'), path).toBeNull();
      expectRefusal(reply, 'permission_denied');
    }
    expect((await api.get('/_emulator/health')).status).toBe(200);
  });

  it.each(['cross-site', 'same-site'])('never reaches a control route by an image or a frame, %s', async (site) => {
    const api = await startEmulator(transport, { tokenizer: O200K, cors: [PAGE] });
    const call = { headers: { 'Sec-Fetch-Site': site } };
    for (const path of ['/_emulator/export', '/_emulator/journal', '/_emulator/none']) {
      expectRefusal(await api.get(path, call), 'permission_denied');
    }
    expect((await api.get('/v1/models', call)).status).toBe(200);
  });

  it.each(['same-origin', 'none'])(
    'is what neither our own page nor an address that was typed is: %s',
    async (site) => {
      const api = await startEmulator(transport, { tokenizer: O200K });
      expect((await api.get('/_emulator/health', { headers: { 'Sec-Fetch-Site': site } })).status).toBe(200);
    },
  );
});

it("lets the server's own pages in, under the name they were loaded from", async () => {
  const api = await startEmulator('over HTTP', { tokenizer: O200K });
  const origin = new URL(api.emulator.baseURL).origin;
  expect((await api.get('/_emulator/health', { headers: { Origin: origin } })).status).toBe(200);
  expect((await api.post('/v1/sessions', {}, { headers: { Origin: origin } })).status).toBe(201);
});
