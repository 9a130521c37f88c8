import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';

/** How long running streams may take to finish once the server closes. */
const GRACE_MS = 5_000;

export interface RunningServer {
  url: string;
  port: number;
  /** Stops taking requests, lets those under way finish for a while, and ends the rest. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** Lets the server replace the process's `Request` and `Response` by lighter ones. For a process that is the server's own. */
  ownsProcess?: boolean;
  /** 0 takes any free port. */
  port: number;
  host: string;
}

/** Serves `fetch` over HTTP/1.1. @throws the system's error, such as EADDRINUSE */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { port, host, ownsProcess = false }: ListenOptions,
): Promise<RunningServer> {
  const server = createServer(getRequestListener(fetch, { hostname: host, overrideGlobalObjects: ownsProcess }));
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    close: () => close(server),
  };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(timer);
}
