import { onTestFinished } from 'vitest';
import { createEmulator, type Emulator, type EmulatorOptions } from '../../emulator/index.ts';
import { listenWeb } from '../support/web-server.ts';

export interface Recorder {
  emulator: Emulator;
  /** The base URL of the port that records. */
  url: string;
  requests: { method: string; path: string; status: number; text: string }[];
  /** Called before each request is passed on, with how many came before it. */
  onRequest: (count: number) => void;
  /** Called with each request that was answered, before the answer leaves. */
  onAnswer: (method: string, path: string) => Promise<void> | void;
  /** Paths that are not offered: answered with 404, as the live API answers for an unknown one. */
  absent?: RegExp;
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
    // As it comes: what is sent in pieces arrives in pieces. The emulator may refuse a body before its end; the rest is read all
    // the same, or the next request over the connection is lost.
    const [body, whole] = method === 'GET' ? [] : (request.body?.tee() ?? []);
    whole?.pipeTo(new WritableStream()).catch(() => undefined);
    const { pathname } = new URL(url);
    const response = recorder.absent?.test(pathname)
      ? Response.json({ code: 5, error: 'url.not_found', method, url: pathname }, { status: 404 })
      : await emulator.fetch(url, { method, headers: sent, ...(body && { body, duplex: 'half' }) });
    const text = await response.text();
    const { status, headers } = response;
    await recorder.onAnswer(method, pathname);
    recorder.requests.push({ method, path: pathname, status, text });
    return new Response(text, { status, headers });
  };
  const server = await listenWeb((request) => {
    const answered = answer(request);
    underWay.add(answered);
    return answered.finally(() => underWay.delete(answered));
  });
  recorder.url = `${server.url}/v1`;
  onTestFinished(async () => {
    await server.close();
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
  return [...(await read('sessions')), ...(await read('snapshots')), ...(await read('files'))];
}
