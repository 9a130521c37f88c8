import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ERRORS } from '../../contract/errors.ts';
import { ServerProcess } from '../cli/server-process.ts';
import { createSession } from '../support/session.ts';
import { rawServer, startGateway } from './gateway.ts';
import {
  ask,
  bomb,
  chunked,
  chunkOf,
  completion,
  damaged,
  errorOf,
  gzipped,
  http,
  K3,
  many,
  nested,
  TIMEOUTS,
  writeOn,
} from './raw-server.ts';

const PASSED: [title: string, answer: Buffer][] = [
  ['a page', http('text/html', '<html>Welcome</html>')],
  ['bytes that are not UTF-8', http('application/json', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
  ['200,000 lists in each other', http('application/json', nested)],
  ['a million values', http('application/json', many)],
  ['a gzip bomb', http('application/json', bomb, gzipped)],
  ['damaged gzip', http('application/json', damaged, gzipped)],
  ['a million lines', http('text/event-stream', '\n'.repeat(1_000_000))],
  ['usage without end', http('text/event-stream', 'data: {"usage":\n'.repeat(60_000))],
  [
    'lies in usage',
    http('application/json', completion({}, { usage: { prompt_tokens: -1, completion_tokens: 1e300 } })),
  ],
];

/** What comes over the wire for one chat, without a session. */
async function bytesFrom(base: string): Promise<Buffer> {
  const { hostname, port, pathname } = new URL(base);
  const socket = connect(Number(port), hostname);
  const body = '{"model":"kimi-k3","messages":[]}';
  const head = ['Host: 127.0.0.1', 'Authorization: Bearer k', 'Content-Type: application/json', 'Connection: close'];
  socket.write(
    [`POST ${pathname}/chat/completions HTTP/1.1`, ...head, `Content-Length: ${body.length}`, '', body].join('\r\n'),
  );
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  const whole = Buffer.concat(parts);
  return whole.subarray(whole.indexOf('\r\n\r\n') + 4);
}

describe('a request without a session', () => {
  it.each(PASSED)('gets %s as it came', async (_, answer) => {
    const { base } = await rawServer((socket) => socket.write(answer));
    const { emulator } = await startGateway('over HTTP', base);
    const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
    expect((await bytesFrom(emulator.baseURL)).equals(body)).toBe(true);
    expect((await emulator.spend()).total.output_tokens).toBe(0);
  });

  it.each([
    ['never answers', (): void => undefined, 'upstream_timeout'],
    ['has a status of its own', (socket: Socket) => socket.write('HTTP/1.1 999 Odd\r\n\r\n'), 'upstream_failed'],
    ['has the status 000', (socket: Socket) => socket.write('HTTP/1.1 000 Odd\r\n\r\n'), 'upstream_failed'],
    [
      'switches protocols',
      (socket: Socket) => socket.write('HTTP/1.1 101 Odd\r\nUpgrade: x\r\n\r\n'),
      'upstream_failed',
    ],
    ['speaks no HTTP', (socket: Socket) => socket.write('220 smtp ready\r\n'), 'upstream_failed'],
    ['closes before its head', (socket: Socket) => socket.destroy(), 'upstream_failed'],
  ] as const)('is refused by the gateway where its upstream %s', async (_, upstream, code) => {
    const { base } = await rawServer(upstream);
    const api = await startGateway('over HTTP', base, { timeouts: TIMEOUTS });
    const { status, body } = await api.post('/v1/chat/completions', { ...K3, messages: [] });
    expect({ status, body }).toMatchObject({
      status: ERRORS[code].status,
      body: { error: { type: ERRORS[code].type } },
    });
  });

  it.each(['in process', 'over HTTP'] as const)(
    'is answered with a reason phrase that can be one, %s',
    async (transport) => {
      const { base } = await rawServer((socket) => socket.write('HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok'));
      const api = await startGateway(transport, base);
      expect((await api.get('/v1/models')).text).toBe('ok');
    },
  );

  it('ends with its upstream where a client leaves an answer without end', async () => {
    const { base, open } = await rawServer((socket) => {
      socket.write(chunked('text/event-stream'));
      writeOn(socket, chunkOf(':\n\n'.repeat(10_000)));
    });
    const api = await startGateway('over HTTP', base);
    const end = new AbortController();
    const response = await api.open('POST', '/v1/chat/completions', '{"model":"m"}', { signal: end.signal });
    await response.body?.getReader().read();
    end.abort();
    await expect.poll(() => open.size).toBe(0);
  });

  it.each(['in process', 'over HTTP'] as const)(
    'breaks off where its upstream stops in the middle of its answer, %s',
    async (transport) => {
      const { base, open } = await rawServer((socket) => socket.write(chunked('text/event-stream') + chunkOf(':\n\n')));
      const api = await startGateway(transport, base, { timeouts: TIMEOUTS });
      const response = await api.open('POST', '/v1/chat/completions', '{"model":"m"}');
      await expect(response.text()).rejects.toThrow();
      await expect.poll(() => open.size).toBe(0);
    },
  );

  it('is read only as fast as its client reads', async () => {
    const MOST = 256 * 2 ** 20;
    let sent: Socket | undefined;
    const { base } = await rawServer((socket) => {
      sent = socket;
      socket.write(chunked('text/event-stream'));
      const part = chunkOf(':'.repeat(65_536));
      const write = (): void => {
        while (socket.bytesWritten < MOST && socket.write(part));
      };
      socket.on('drain', write);
      write();
    });
    const { emulator } = await startGateway('over HTTP', base);
    const { hostname, port, pathname } = new URL(emulator.baseURL);
    const client = connect(Number(port), hostname);
    onTestFinished(() => void client.destroy());
    client.pause();
    const head = ['Host: 127.0.0.1', 'Authorization: Bearer k', 'Content-Length: 13'];
    client.write([`POST ${pathname}/chat/completions HTTP/1.1`, ...head, '', '{"model":"m"}'].join('\r\n'));
    let before = -1;
    const stands = (): boolean => {
      const now = (sent?.bytesWritten ?? 0) - (sent?.writableLength ?? 0);
      const isStill = now > 0 && now === before;
      before = now;
      return isStill;
    };
    await expect.poll(stands, { interval: 200 }).toBe(true);
    expect(before).toBeLessThan(MOST / 4);
  });

  it.each(['HEAD', 'GET'])('leaves no connection behind where an answer has no body: %s', async (method) => {
    const { base, open } = await rawServer((socket) =>
      socket.write(method === 'HEAD' ? 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n' : 'HTTP/1.1 304 Same\r\n\r\n'),
    );
    const api = await startGateway('in process', base);
    for (let round = 0; round < 10; round += 1) await (await api.open(method, '/v1/models')).text();
    expect(open.size).toBeLessThan(5);
  });
});

/** A certificate that nobody has signed, for a name. */
function certificate(name: string): { key: Buffer; cert: Buffer; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'kimi-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`];
  execFileSync('openssl', ['req', '-x509', ...made, '-addext', `subjectAltName=DNS:${name}`], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert), file: cert };
}

/** An upstream behind a certificate, and the keys that it was sent. */
async function secureServer({ key, cert }: { key: Buffer; cert: Buffer }): Promise<{ base: string; keys: string[] }> {
  const keys: string[] = [];
  const server = createSecureServer({ key, cert }, ({ headers }, response) => {
    keys.push(String(headers.authorization));
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { base: `https://localhost:${(server.address() as AddressInfo).port}/v1`, keys };
}

it('an upstream with a certificate that nobody has signed gets no request, and no key', async () => {
  const { base, keys } = await secureServer(certificate('localhost'));
  const api = await startGateway('over HTTP', base);
  const session = await createSession(api, K3);
  for (const reply of [await session.chat(ask('Where?'), K3), await api.get('/v1/models')]) {
    expect(reply.status).toBe(502);
    expect(errorOf(reply.text).message).toMatch(/certificate is self-signed/);
  }
  expect(keys).toEqual([]);
});

it.each([
  ['another.example', 502, /certificate is for another name/],
  ['localhost', 200, /^$/],
])('an upstream with a trusted certificate for %s, asked as localhost, answers %i', async (name, status, says) => {
  const made = certificate(name);
  const { base, keys } = await secureServer(made);
  const env = { NODE_EXTRA_CA_CERTS: made.file };
  const { ready } = await ServerProcess.listening(['gateway', '--upstream', base, '--memory'], { env });
  const reply = await fetch(`${ready.base_url}/models`, { headers: { Authorization: 'Bearer k' } });
  expect(reply.status).toBe(status);
  expect(await reply.text()).toMatch(says);
  expect(keys).toEqual(status === 200 ? ['Bearer k'] : []);
});
