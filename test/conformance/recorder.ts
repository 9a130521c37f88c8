import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { onTestFinished } from 'vitest';
import { createEmulator, type Emulator, type EmulatorOptions } from '../../emulator/index.ts';

export interface Recorder {
  emulator: Emulator;
  /** The base URL of the port that records. */
  url: string;
  requests: { method: string; path: string; status: number; text: string }[];
  /** Called before each request is passed on, with how many came before it. */
  onRequest: (count: number) => void;
  /** Called with each request that was answered, before the answer leaves. */
  onAnswer: (method: string, path: string) => Promise<void> | void;
}

/** An emulator behind a port that writes down what comes and goes. */
export async function startRecorder(options: EmulatorOptions = {}): Promise<Recorder> {
  const emulator = createEmulator(options);
  const recorder: Recorder = { emulator, url: '', requests: [], onRequest: () => undefined, onAnswer: () => undefined };
  let count = 0;
  const underWay = new Set<Promise<Response>>();
  const answer = async (request: Request): Promise<Response> => {
    recorder.onRequest(count);
    count += 1;
    const { method, url, headers: sent } = request;
    // As it comes: what is sent in pieces arrives in pieces.
    const body = method === 'GET' ? null : request.body;
    const response = await emulator.fetch(url, { method, headers: sent, ...(body && { body, duplex: 'half' }) });
    const text = await response.text();
    const { status, headers } = response;
    await recorder.onAnswer(method, new URL(url).pathname);
    recorder.requests.push({ method, path: new URL(url).pathname, status, text });
    return new Response(text, { status, headers });
  };
  const server = serve({
    port: 0,
    hostname: '127.0.0.1',
    overrideGlobalObjects: false,
    fetch: (request: Request) => {
      const answered = answer(request);
      underWay.add(answered);
      return answered.finally(() => underWay.delete(answered));
    },
  });
  if (!server.listening) await once(server, 'listening');
  recorder.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  onTestFinished(async () => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
    // The emulator goes on with a request whose sender has gone, and needs its state for that.
    await Promise.allSettled(underWay);
    await emulator.close();
  });
  return recorder;
}

/** What stands in an account. */
export async function contentsOf({ emulator }: Recorder, key: string): Promise<string[]> {
  const read = async (kind: string) => {
    const response = await emulator.fetch(`${emulator.baseURL}/${kind}?limit=100`, {
      headers: { Authorization: `Bearer ${key}` },
    });
    return ((await response.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
  };
  return [...(await read('sessions')), ...(await read('snapshots'))];
}
