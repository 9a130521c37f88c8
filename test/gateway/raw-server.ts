import { once } from 'node:events';
import { type AddressInfo, createServer as createRawServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { ErrorBody } from '../../contract/errors.ts';

/** A turn that this upstream answers as it should, which shows that the session still works. */
export const WELL = 'Answer well.';
export const K3 = { model: 'kimi-k3' };
export const ask = (content: string) => [{ role: 'user', content }];
export const TIMEOUTS = { connect: 2_000, firstByte: 300, idle: 300, turn: 600 };

export const event = (chunk: object) => `data: ${JSON.stringify(chunk)}\n\n`;
export const delta = (delta: object, more: object = {}) => event({ choices: [{ index: 0, delta, ...more }] });
export const FINISH = delta({}, { finish_reason: 'stop' });
export const completion = (message: object, more: object = {}) =>
  JSON.stringify({ id: 'c', choices: [{ index: 0, message, finish_reason: 'stop' }], ...more });

export type Misbehave = (socket: Socket, isStreamed: boolean) => void;

export interface RawServer {
  base: string;
  /** Connections that are open, and those that were not answered well. */
  open: Set<Socket>;
  bad: Set<Socket>;
  close(): void;
}

/** A server that answers on the bare connection: well where it is asked to, else as it is told. */
export async function openRawServer(misbehave: Misbehave): Promise<RawServer> {
  const open = new Set<Socket>();
  const bad = new Set<Socket>();
  const server = createRawServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (part) => {
      text += part.toString('latin1');
      const [head = '', body] = text.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (body === undefined || body.length < length) return;
      text = '';
      if (body.includes(WELL)) socket.write(http('application/json', completion({ content: 'Well.' })));
      else {
        bad.add(socket);
        misbehave(socket, body.includes('"stream":true'));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, open, bad, close };
}

export function http(type: string, body: string | Buffer, more = ''): Buffer {
  const bytes = Buffer.from(body);
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n${more}\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

export const answerWith =
  (whole: string | Buffer, streamed: string | Buffer = whole, more = ''): Misbehave =>
  (socket, isStreamed) => {
    socket.write(http(isStreamed ? 'text/event-stream' : 'application/json', isStreamed ? streamed : whole, more));
  };

/** Writes for as long as the other side reads. */
export function writeOn(socket: Socket, part: Buffer | string): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(part));
  };
  socket.on('drain', write);
  write();
}

/** Writes a part whenever the event loop comes round, however few bytes it has. */
export function drip(socket: Socket, part: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(part), everyMs);
  socket.on('close', () => clearInterval(timer));
}

export const chunked = (type: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
export const typeFor = (isStreamed: boolean) => (isStreamed ? 'text/event-stream' : 'application/json');
export const chunkOf = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

export const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
export const many = `[${'0,'.repeat(1_000_000)}0]`;
export const bomb = gzipSync(Buffer.alloc(80 * 2 ** 20, ' '));
export const gzipped = 'Content-Encoding: gzip\r\n';
export const damaged = gzipSync(completion({ content: 'Well.' }).repeat(50)).fill(7, 30, 60);

/** The error that an answer ends with, whole or as its last event. */
export function errorOf(text: string): ErrorBody['error'] {
  const [last = ''] = text.trimEnd().split('\n\n').slice(-1);
  return (JSON.parse(last.replace(/^data: /, '')) as ErrorBody).error;
}
