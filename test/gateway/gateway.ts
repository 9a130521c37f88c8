import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from 'node:net';
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
import { type Misbehave, openRawServer, type RawServer } from './raw-server.ts';

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
export function serve(answer: RequestListener): Promise<string> {
  return serveOn(createServer(answer));
}

/** The same on the bare connection. */
export function serveRaw(answer: (socket: Socket) => void): Promise<string> {
  return serveOn(createRawServer(answer));
}

/** A server that answers on the bare connection, for as long as the test runs. */
export async function rawServer(misbehave: Misbehave): Promise<RawServer> {
  const server = await openRawServer(misbehave);
  onTestFinished(() => server.close());
  return server;
}

async function serveOn(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
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

/** A server as many are: chat alone, one answer, usage in a chunk of its own where it is asked for. @returns its base URL */
export function plainServer(): Promise<string> {
  return serve((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      if (request.url !== '/v1/chat/completions') {
        response.writeHead(404, { 'Content-Type': 'application/json' });
        response.end('{"error":{"message":"no such route","type":"not_found"}}');
        return;
      }
      const asked = readJson(text);
      if (asked === undefined) {
        response.writeHead(400, { 'Content-Type': 'application/json' });
        response.end('{"error":{"message":"the body is not a JSON object","type":"invalid_request_error"}}');
        return;
      }
      const { model, stream, stream_options } = asked;
      const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
      if (!stream) {
        const choice = { index: 0, message: { role: 'assistant', content: 'All right.' }, finish_reason: 'stop' };
        response.setHeader('Content-Type', 'application/json');
        response.end(
          JSON.stringify({ id: 'c1', object: 'chat.completion', created: 1, model, choices: [choice], usage }),
        );
        return;
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      const send = (choices: object[], more = {}) =>
        response.write(
          `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices, ...more })}\n\n`,
        );
      for (const content of ['All ', 'right.']) send([{ index: 0, delta: { content }, finish_reason: null }]);
      send([{ index: 0, delta: {}, finish_reason: 'stop' }]);
      if (stream_options?.include_usage) send([], { usage });
      response.end('data: [DONE]\n\n');
    });
  });
}

interface Asked {
  model?: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
}

function readJson(text: string): Asked | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
