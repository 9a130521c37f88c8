import { connect, type Socket } from 'node:net';

/** One request as bytes, made anew for each send. */
type MakeRequest = (client: number, count: number) => string;

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

export function httpPost(path: string, body: string, headers: readonly string[] = []): string {
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-bench\r\nContent-Type: application/json`;
  return [head, `Content-Length: ${Buffer.byteLength(body)}`, ...headers, `\r\n${body}`].join('\r\n');
}

/**
 * Sends `total` requests from `clients` connections that are kept open, each waiting for its answer.
 * A bare socket, so that what is measured is the server.
 * @returns requests a second, the bytes of the last answer, and how long each took: to its first byte, and whole
 */
export async function load(
  port: number,
  clients: number,
  total: number,
  make: MakeRequest,
): Promise<{ perSecond: number; last: string; firstMs: number[]; wholeMs: number[] }> {
  const each = Math.ceil(total / clients);
  const firstMs: number[] = [];
  const wholeMs: number[] = [];
  let last = '';
  const run = async (client: number): Promise<void> => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    for (let count = 0; count < each; count += 1) {
      const sent = performance.now();
      socket.write(make(client, count));
      socket.once('data', () => firstMs.push(performance.now() - sent));
      last = await readAnswer(socket);
      wholeMs.push(performance.now() - sent);
    }
    socket.destroy();
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return { perSecond: (each * clients) / ((performance.now() - started) / 1_000), last, firstMs, wholeMs };
}

/** Of one request in turn with others: milliseconds that the server needed beside what its upstream took. */
interface Overhead {
  /** To the first byte of the answer, and to its end. */
  firstMs: number;
  wholeMs: number;
}

/** A server and what it is asked. */
export interface Asked {
  port: number;
  make: MakeRequest;
}

/**
 * Asks all servers in turn from each of `clients` at the same time, beginning with another one each time, so that whatever else
 * the machine does meets all of them alike. What the upstream says that it took (`X-Took-Ms`) is not counted.
 * @returns for each server the overhead of each of its `each` × `clients` requests
 */
export async function inTurn(clients: number, each: number, servers: readonly Asked[]): Promise<Overhead[][]> {
  const seen: Overhead[][] = servers.map(() => []);
  const run = async (client: number): Promise<void> => {
    const sockets = servers.map(({ port }) => connect(port, '127.0.0.1').setNoDelay(true));
    for (let count = 0; count < each; count += 1) {
      for (let step = 0; step < servers.length; step += 1) {
        const place = (count + client + step) % servers.length;
        const [server, socket] = [servers[place], sockets[place]];
        if (server && socket) seen[place]?.push(await overheadOf(socket, server.make(client, count)));
      }
    }
    for (const socket of sockets) socket.destroy();
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return seen;
}

async function overheadOf(socket: Socket, request: string): Promise<Overhead> {
  const sent = performance.now();
  let first = 0;
  socket.once('data', () => {
    first = performance.now();
  });
  socket.write(request);
  const text = await readAnswer(socket);
  const whole = performance.now();
  const took = Number(/^x-took-ms: ([\d.]+)/im.exec(text)?.[1]);
  return { firstMs: first - sent - took, wholeMs: whole - sent - took };
}

function readAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const onData = (part: Buffer): void => {
      parts.push(part);
      const whole = Buffer.concat(parts);
      if (!isComplete(whole)) return;
      finish();
      const text = whole.toString();
      if (/^HTTP\/1.1 20[01]/.test(text)) resolve(text);
      else reject(new Error(text.slice(0, 500)));
    };
    const onClose = (): void => {
      finish();
      reject(new Error('the connection was closed'));
    };
    const finish = (): void => {
      socket.off('data', onData).off('close', onClose);
    };
    socket.on('data', onData).on('close', onClose);
  });
}

function isComplete(answer: Buffer): boolean {
  const end = answer.indexOf(HEAD_END);
  if (end === -1) return false;
  const head = answer.toString('latin1', 0, end);
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return answer.length >= end + HEAD_END.length + Number(length);
  return answer.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
}
