import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createEmulator } from '../emulator/index.ts';

const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What the server waits for by the clock never comes, so that nothing can look as if it had not waited. */
function stopTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
}

it('the server sets no time limit on a streamed append', async () => {
  const servers: Server[] = [];
  const note = (message: unknown) => void servers.push((message as { server: Server }).server);
  subscribe('http.server.request.start', note);
  const emulator = createEmulator();
  const { url } = await emulator.listen();
  await fetch(`${url}/_emulator/health`);
  unsubscribe('http.server.request.start', note);
  await emulator.close();
  // Node's own limit for a whole request would end the stream after five minutes.
  expect(servers.map(({ requestTimeout }) => requestTimeout)).toEqual([0]);
  expect(servers[0]?.headersTimeout).toBeGreaterThan(0);
});

it('closing the server does not wait for a connection without a request', async () => {
  stopTimers();
  const emulator = createEmulator();
  const { port } = await emulator.listen();
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  // Once this is answered the server has taken the other connection in as well.
  expect((await fetch(`http://127.0.0.1:${port}/_emulator/health`)).status).toBe(200);
  const closed = once(socket, 'close');
  await emulator.close();
  await closed;
});

it.each([
  ['refused', '{"role":"robot"}\n{"role":"user","content":"never read"}\n'],
  ['ended by a line', '{"role":"user","content":"one"}\n{"role":"robot"}\n{"role":"user","content":"never read"}\n'],
])('the server drains a stream that was %s, so that its connection can be reused', async (_, body) => {
  stopTimers();
  const requests: IncomingMessage[] = [];
  const note = (message: unknown) => void requests.push((message as { request: IncomingMessage }).request);
  const emulator = createEmulator();
  const { url } = await emulator.listen();
  const headers = { Authorization: 'Bearer k' };
  const created = await fetch(`${url}/v1/sessions`, { method: 'POST', headers });
  const { id } = (await created.json()) as { id: string };
  subscribe('http.server.request.start', note);
  const path = `${url}/v1/sessions/${id}/messages`;
  const answer = await fetch(path, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/x-ndjson' },
    body,
  });
  expect(await answer.text()).toContain('invalid_request');
  unsubscribe('http.server.request.start', note);
  const [request] = requests;
  if (!request) throw new Error('no request was seen');
  if (!request.closed) await once(request, 'close');
  expect(request.complete).toBe(true);
  expect(request.socket.destroyed).toBe(false);
  await emulator.close();
});

it('a connection survives an answer sent before the end of the body', async () => {
  const emulator = createEmulator();
  onTestFinished(() => emulator.close());
  const { port } = await emulator.listen();
  stopTimers();
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  onTestFinished(() => void socket.destroy());
  const head = 'PUT /v1/sessions/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n';
  const answered = async () => String((await once(socket, 'data'))[0]);
  socket.write(head);
  expect(await answered()).toContain('404 Not Found');
  // The next answer shows that the body of the first request has come in.
  socket.write(`{}${head}{}`);
  expect(await answered()).toContain('404 Not Found');
  // Longer than the server waits for a body that does not come.
  vi.advanceTimersByTime(60_000);
  socket.write(`${head}{}`);
  const closed = once(socket, 'close').then(() => 'closed');
  expect(await Promise.race([closed, answered()])).toContain('404 Not Found');
});

const PART = Buffer.alloc(64 * 1_024, 0x20);

/** A body of so many parts, over the limit from the first on, by a client that reads only once it has sent all of it. */
async function sendTooMuch(
  port: number,
  parts: number,
  {
    path = '/v1/sessions',
    between = async () => {},
  }: { path?: string; between?: (part: number) => Promise<void> } = {},
) {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  onTestFinished(() => void socket.destroy());
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Type: application/json\r\nContent-Length: ${parts * PART.length}\r\n\r\n`,
  );
  for (let part = 0; part < parts; part += 1) {
    await new Promise<void>((resolve, reject) => socket.write(PART, (error) => (error ? reject(error) : resolve())));
    await between(part);
  }
  const closed = once(socket, 'close').then(() => ['closed']);
  const answered = async () => String((await Promise.race([once(socket, 'data'), closed]))[0]).split('\r\n')[0];
  const first = await answered();
  socket.write('GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  return [first, await answered()];
}

const REFUSED_THEN_SERVED = ['HTTP/1.1 400 Bad Request', 'HTTP/1.1 200 OK'];

/** Routes whose bodies are read in each of the ways that there are. */
const ROUTES = ['/v1/sessions', '/v1/chat/completions', '/v1/sessions/sess_1/truncate'];

it.each(ROUTES)(
  'many clients that send too much to %s all read its refusal, and go on with their connection',
  async (path) => {
    const emulator = createEmulator({ limits: { body_bytes: 8_192 } });
    onTestFinished(() => emulator.close());
    const { port } = await emulator.listen();
    const clients = await Promise.all(Array.from({ length: 40 }, () => sendTooMuch(port, 100, { path })));
    expect(clients).toEqual(clients.map(() => REFUSED_THEN_SERVED));
  },
);

it('a client that goes on sending is read for longer than one that has stopped', async () => {
  const emulator = createEmulator({ limits: { body_bytes: 8_192 } });
  onTestFinished(() => emulator.close());
  const { port } = await emulator.listen();
  const seen: IncomingMessage[] = [];
  const note = (message: unknown) => void seen.push((message as { request: IncomingMessage }).request);
  subscribe('http.server.request.start', note);
  onTestFinished(() => void unsubscribe('http.server.request.start', note));
  stopTimers();
  const arrived = async (part: number) => {
    while ((seen[0]?.socket.bytesRead ?? 0) < (part + 1) * PART.length && seen[0]?.socket.destroyed !== true)
      await nextTick();
    vi.advanceTimersByTime(500);
    await nextTick();
  };
  expect(await sendTooMuch(port, 12, { between: arrived })).toEqual(REFUSED_THEN_SERVED);
});

it('a client that stops sending what was refused is let go', async () => {
  const emulator = createEmulator({ limits: { body_bytes: 8_192, media_body_bytes: 8_192 } });
  onTestFinished(() => emulator.close());
  const { port } = await emulator.listen();
  stopTimers();
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const closed = once(socket, 'close');
  socket.write(
    'POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Length: 99999\r\n\r\n',
  );
  expect(String((await once(socket, 'data'))[0])).toContain('400 Bad Request');
  while (!socket.destroyed) {
    vi.advanceTimersByTime(500);
    await nextTick();
  }
  await closed;
});

it('baseURL names the server while it is listening', async () => {
  const emulator = createEmulator();
  const inProcess = emulator.baseURL;
  const [first, second] = [await emulator.listen(), await emulator.listen()];
  expect(emulator.baseURL).toBe(`${second.url}/v1`);
  await second.close();
  expect(emulator.baseURL).toBe(`${first.url}/v1`);
  await first.close();
  expect(emulator.baseURL).toBe(inProcess);
  expect((await emulator.fetch(`${inProcess}/models`, { headers: { Authorization: 'Bearer k' } })).status).toBe(200);
  const third = await emulator.listen();
  await emulator.close();
  await third.close();
  expect(emulator.baseURL).toBe(inProcess);
});

it('a closed emulator cannot listen', async () => {
  const emulator = createEmulator();
  const opening = emulator.listen();
  const closing = emulator.close();
  await expect(opening).rejects.toThrow('the emulator is closed');
  await closing;
  await expect(emulator.listen()).rejects.toThrow('the emulator is closed');
});

/** Asks twice over one connection, the second time once it is told to, and says what it got. */
const PATIENT_CLIENT = `
  const { connect } = require('node:net');
  const { parentPort, workerData: { port, marks } } = require('node:worker_threads');
  const request = 'GET /_emulator/health HTTP/1.1\\r\\nHost: 127.0.0.1:' + port + '\\r\\n\\r\\n';
  const socket = connect(port, '127.0.0.1', () => socket.write(request));
  socket.on('data', (data) => parentPort.postMessage(String(data).split('\\r\\n')[0]));
  socket.on('error', ({ code }) => parentPort.postMessage(code));
  socket.on('close', () => parentPort.postMessage('closed'));
  parentPort.on('message', () => socket.write(request, () => {
    Atomics.store(marks, 0, 1);
    Atomics.notify(marks, 0);
  }));
`;

it.each([
  ['a request that came while the server stood still is answered, though its connection has run out', true, '200'],
  ['a connection that has run out is closed', false, 'closed'],
])('%s', async (_, asksAgain, expected) => {
  const kept = 20;
  const note = (message: unknown) => {
    (message as { server: Server }).server.keepAliveTimeout = kept;
  };
  subscribe('http.server.request.start', note);
  onTestFinished(() => void unsubscribe('http.server.request.start', note));
  const emulator = createEmulator();
  onTestFinished(() => emulator.close());
  const { port } = await emulator.listen();
  const marks = new Int32Array(new SharedArrayBuffer(8));
  const client = new Worker(PATIENT_CLIENT, { eval: true, workerData: { port, marks } });
  onTestFinished(async () => void (await client.terminate()));
  expect((await once(client, 'message'))[0]).toContain('200');
  if (asksAgain) {
    // The thread stands still until the second request is under way and the time of the connection is up.
    client.postMessage('ask again');
    Atomics.wait(marks, 0, 0);
    Atomics.wait(marks, 1, 0, 2 * kept + 1_100);
  }
  expect((await once(client, 'message'))[0]).toContain(expected);
});
