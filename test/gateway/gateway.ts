import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import {
  createEmulator,
  createGateway,
  type Emulator,
  type EmulatorOptions,
  type GatewayOptions,
} from '../../emulator/index.ts';
import { Api, type Transport } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';

/** A gateway of the test's own in front of a base URL. */
export async function startGateway(
  transport: Transport,
  upstream: string,
  options: Omit<GatewayOptions, 'upstream'> = {},
): Promise<Api> {
  const gateway = createGateway({ tokenizer: O200K, ...options, upstream });
  onTestFinished(() => gateway.close());
  if (transport === 'over HTTP') await gateway.listen();
  return new Api(gateway, transport);
}

/** An emulator as the upstream, and a gateway in front of it. */
export async function startPair(
  transport: Transport,
  { upstream = {}, ...options }: Omit<GatewayOptions, 'upstream'> & { upstream?: EmulatorOptions } = {},
): Promise<{ api: Api; upstream: Emulator }> {
  const emulator = createEmulator({ tokenizer: O200K, ...upstream });
  onTestFinished(() => emulator.close());
  await emulator.listen();
  return { api: await startGateway(transport, emulator.baseURL, options), upstream: emulator };
}

/** A server of the test's own, which answers as the test says. @returns its base URL */
export async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}
