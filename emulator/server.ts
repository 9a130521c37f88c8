import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import { describeError, ERRORS } from '../contract/errors.ts';
import { oneByOne } from './http/pipeline.ts';

/** Node's default. */
const HEADERS_TIMEOUT_MS = 60_000;
/**
 * How long a connection is kept for its next request. Clients pool connections, some for the very 5 s that are Node's default:
 * whoever is the first to close one then is a matter of luck.
 */
const KEEP_ALIVE_MS = 65_000;
/** How long running streams may take to finish once the server closes. */
const GRACE_MS = 5_000;
/**
 * How much of a body that has been answered already is read and thrown away, and for how long: whoever is cut off while it sends
 * sees a broken pipe instead of the answer. `idleMs`: without a byte.
 */
const LEFTOVER = { bytes: 64 * 2 ** 20, idleMs: 500, totalMs: 30_000 } as const;

export interface RunningServer {
  url: string;
  port: number;
  /** Stops taking requests, lets those under way finish for a while, and ends the rest. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** 0 takes any free port. */
  port: number;
  host: string;
}

/** Whether only this machine can reach a server that is bound so. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Listens for a moment, so that a port that cannot be had is known before anything is done. @throws as `listen` does */
export async function tryPort({ port, host }: Pick<ListenOptions, 'port' | 'host'>): Promise<void> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}

/** What Node knows of a request. */
export interface Connection {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
}

/** No request can be made of what came. */
export class UnreadableRequest extends Error {}

/** Answers a request onto its connection. */
type Answer = (connection: Connection) => void;

/** Serves over HTTP/1.1. @throws the system's error, such as EADDRINUSE */
export async function listen(answer: Answer, { port, host }: ListenOptions): Promise<RunningServer> {
  // No limit for a whole request: a streamed append lasts as long as its client likes.
  const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS };
  // Whatever has no Host is refused here, in the form of all errors.
  const server = createServer({ ...timeouts, requireHostHeader: false });
  const connections = watchConnections(server);
  const answerOne = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    watchAnswer(connections, incoming, outgoing);
    try {
      answer({ incoming, outgoing });
    } catch (error) {
      refuseUnread(outgoing, error);
    }
  };
  server.on('request', oneByOne(answerOne));
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://${reachable(address)}:${address.port}`,
    port: address.port,
    close: () => close(server, connections),
  };
}

/** The address as a URL has it; bound to all addresses, a server is asked on loopback. */
function reachable({ address, family }: AddressInfo): string {
  if (/^(?:::ffff:)?0\.0\.0\.0$/.test(address)) return '127.0.0.1';
  if (address === '::') return '[::1]';
  return family === 'IPv6' ? `[${address}]` : address;
}

/** What no request can be made of, such as one with the port 99999 in its Host header, never reaches the app. */
function refuseUnread(outgoing: ServerResponse, error: unknown): void {
  const unread = error instanceof UnreadableRequest;
  const { status, type } = ERRORS[unread ? 'invalid_request' : 'unexpected_output'];
  const problem = 'Host and the path must be those of a URL, such as 127.0.0.1:4100 and /v1/models';
  const { message } = unread ? describeError('invalid_request', { problem }) : describeError('unexpected_output', {});
  const body = JSON.stringify({ error: { message, type } });
  outgoing
    .writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'x-should-retry': String(!unread),
    })
    .end(body);
}

/** Reads what is left of a body, so that the connection can be used again; one that has no end is closed. */
function dropLeftover(incoming: IncomingMessage): void {
  const { socket } = incoming;
  const before = socket.bytesRead;
  let seen = before;
  let waited = 0;
  const look = (): void => {
    // On a loaded machine the time may be up before what has come in meanwhile is read.
    setImmediate(() => {
      waited += LEFTOVER.idleMs;
      const tooMuch = socket.bytesRead - before > LEFTOVER.bytes || waited >= LEFTOVER.totalMs;
      if (incoming.closed || socket.destroyed) return;
      if (tooMuch || socket.bytesRead === seen) return socket.destroySoon();
      seen = socket.bytesRead;
      timer = setTimeout(look, LEFTOVER.idleMs).unref();
    });
  };
  let timer = setTimeout(look, LEFTOVER.idleMs).unref();
  incoming.once('close', () => clearTimeout(timer));
  // Whoever stopped in the middle of reading may still be listening, and as long as one does nothing flows. That a listener
  // is gone stops the flow once more, a tick later.
  incoming.removeAllListeners('readable');
  setImmediate(() => incoming.resume());
}

async function close(server: Server, { unused, answering }: Connections): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection is kept alive for its next request, which this server is not going to take.
  for (const response of answering) {
    const { socket } = response;
    response.once('finish', () => socket?.destroySoon());
  }
  server.closeIdleConnections();
  for (const socket of unused) socket.destroy();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(timer);
}

interface Connections {
  /** Opened in advance, as browsers do. Node counts them as busy, so closing would wait for them. */
  unused: ReadonlySet<Socket>;
  /** Responses that are under way. */
  answering: Set<ServerResponse>;
}

function watchConnections(server: Server): Connections {
  const unused = new Set<Socket>();
  const answering = new Set<ServerResponse>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', (incoming) => unused.delete(incoming.socket));
  server.on('timeout', (socket: Socket) => closeUnused(socket, answering));
  return { unused, answering };
}

function watchAnswer({ answering }: Connections, incoming: IncomingMessage, response: ServerResponse): void {
  answering.add(response);
  response.once('close', () => {
    answering.delete(response);
    if (!incoming.complete) dropLeftover(incoming);
    // In whole, but not read to its end: without one the request never closes. Node itself reads what nobody has touched.
    else if (!incoming.readableEnded && !incoming.readableFlowing) incoming.resume();
  });
}

/**
 * Closes a connection that was kept for a request that has not come. After a pause of the process, of the machine or of a debugger
 * the time is up before what has come in meanwhile is read, and whoever sent it would see the connection reset.
 */
function closeUnused(socket: Socket, answering: ReadonlySet<ServerResponse>): void {
  const before = socket.bytesRead;
  setImmediate(() => {
    const isUsed = [...answering].some((response) => response.socket === socket);
    if (socket.bytesRead === before && !isUsed) socket.destroy();
  });
}

/** The ports that an emulator serves on. */
export class Servers {
  readonly #running = new Set<RunningServer>();
  #closed = false;

  /** Of the one that was opened last, of those that still serve. */
  get url(): string | undefined {
    return [...this.#running].at(-1)?.url;
  }

  /** @throws Error once all are closed; else as `listen` does */
  async open(answer: Answer, options: ListenOptions): Promise<RunningServer> {
    this.#requireOpen();
    const server = await listen(answer, options);
    const running = {
      ...server,
      close: () => {
        this.#running.delete(running);
        return server.close();
      },
    };
    // Whoever closed meanwhile knows nothing of this one.
    if (this.#closed) await server.close();
    this.#requireOpen();
    this.#running.add(running);
    return running;
  }

  /** Closes them all, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running].map((server) => server.close()));
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error('the emulator is closed');
  }
}
