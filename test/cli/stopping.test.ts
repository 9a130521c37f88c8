import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../emulator/store/database.ts';
import { temporaryFolder } from '../store/files.ts';
import { ServerProcess } from './server-process.ts';

const KEY = { Authorization: 'Bearer any' };

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  it('lets a running stream finish, then closes the database', async () => {
    const { server, baseUrl, path } = await start();
    const stream = await openStream(baseUrl);
    await stream.write('first');
    const ended = server.signal(signal);
    await untilRefused(baseUrl);
    await stream.write('second');
    expect(await stream.end()).toContain('"done":true');
    expect(await ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expectClosed(path, ['first', 'second']);
  });
});

describe('a server that is told to stop', () => {
  it('aborts a stream that does not end, and closes the database', async () => {
    const { server, baseUrl, path } = await start();
    const stream = await openStream(baseUrl);
    await stream.write('first');
    expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, signal: null, stderr: '' });
    expectClosed(path, ['first']);
  });

  it('does not wait after a second signal, and loses nothing', async () => {
    const { server, baseUrl, path } = await start();
    const stream = await openStream(baseUrl);
    await stream.write('first');
    const ended = server.signal('SIGINT');
    await untilRefused(baseUrl);
    void server.signal('SIGINT');
    expect(await ended).toMatchObject({ code: 130, signal: null, stderr: '' });
    expect(contents(path)).toEqual(['first']);
  });

  it('accepts no further request on a connection whose answer is complete', async () => {
    const { server, baseUrl } = await start();
    const stream = await openStream(baseUrl);
    await stream.write('first');
    const ended = server.signal('SIGTERM');
    await untilRefused(baseUrl);
    await stream.end();
    expect(await stream.ask(`GET /v1/sessions HTTP/1.1`)).not.toContain('HTTP/1.1');
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });
});

async function start() {
  const path = join(temporaryFolder(), 'state.db');
  const { server, ready } = await ServerProcess.listening(['--db', path]);
  return { server, baseUrl: ready.base_url, path };
}

/** A streamed append over a bare connection, so that it is seen what happens to the connection itself. */
async function openStream(baseUrl: string) {
  const created = await fetch(`${baseUrl}/sessions`, { method: 'POST', headers: KEY });
  const { id } = (await created.json()) as { id: string };
  const { hostname, port, host } = new URL(baseUrl);
  const socket = connect(Number(port), hostname);
  const heard = new Hearing(socket);
  const headers = `Host: ${host}\r\nAuthorization: Bearer any\r\n`;
  const type = 'Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n';
  socket.write(`POST /v1/sessions/${id}/messages HTTP/1.1\r\n${headers}${type}\r\n`);
  return {
    /** Appends a message and waits until it is acknowledged. */
    write(content: string): Promise<string> {
      const line = `${JSON.stringify({ role: 'user', content })}\n`;
      socket.write(`${Buffer.byteLength(line).toString(16)}\r\n${line}\r\n`);
      return heard.until('"index":');
    },
    /** Ends the request and waits for the end of its answer. */
    end(): Promise<string> {
      socket.write('0\r\n\r\n');
      return heard.until('\r\n0\r\n\r\n');
    },
    /** Another request over the same connection: all that comes before it is closed. */
    ask(line: string): Promise<string> {
      socket.write(`${line}\r\n${headers}\r\n`);
      return heard.until(undefined);
    },
  };
}

/** What a connection brings, piece by piece. */
class Hearing {
  #text = '';
  #closed = false;
  #wake = (): void => undefined;

  constructor(socket: Socket) {
    const wake = (): void => this.#wake();
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#text += text;
      wake();
    });
    // A reset is a valid end too: what counts is what was heard before.
    socket.on('error', wake);
    socket.on('close', () => {
      this.#closed = true;
      wake();
    });
  }

  /** What was heard since the last call, up to `mark`; without one, up to the end of the connection. */
  async until(mark: string | undefined): Promise<string> {
    while (!this.#closed && (mark === undefined || !this.#text.includes(mark))) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const text = this.#text;
    this.#text = '';
    return text;
  }
}

/** Waits until new connections are refused: the server is stopping. */
async function untilRefused(baseUrl: string): Promise<void> {
  const asked = () => fetch(`${baseUrl}/models`, { headers: { ...KEY, Connection: 'close' } }).then(() => true);
  while (await asked().catch(() => false));
}

function expectClosed(path: string, expected: readonly string[]): void {
  expect(readdirSync(dirname(path))).toEqual(['state.db']);
  expect(contents(path)).toEqual(expected);
}

/** The texts of all messages that the database holds, oldest first. */
function contents(path: string): string[] {
  const database = openDatabase(path);
  const bodies = database.prepare<[], string>('SELECT body FROM messages ORDER BY id').pluck().all() as string[];
  database.close();
  return bodies.map((body) => (JSON.parse(body) as { content: string }).content);
}
