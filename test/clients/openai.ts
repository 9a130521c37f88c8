import OpenAI, { type ClientOptions } from 'openai';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { type Api, startEmulator, type Transport } from '../support/emulator.ts';

/** The stock client, told nothing but where to go and, in process, how. */
export function openaiFor({ emulator, fetch }: Api, options: ClientOptions = {}): OpenAI {
  return new OpenAI({ baseURL: emulator.baseURL, apiKey: 'sk-test', fetch, ...options });
}

export async function startOpenAI(transport: Transport, options: EmulatorOptions = {}): Promise<OpenAI> {
  return openaiFor(await startEmulator(transport, options));
}

/** A client that names its calls, as the SDK lets a subclass do. */
export class IdempotentOpenAI extends OpenAI {
  protected override idempotencyHeader = 'Idempotency-Key';
}

interface Watched {
  key: string | null;
  status: number;
  headers: Headers;
  body: Promise<string>;
}

/** `fetch` with a log of the answers. */
export function watched(inner: typeof fetch) {
  const answers: Watched[] = [];
  const watching: typeof fetch = async (input, init) => {
    const { headers } = new Request(input, init);
    const response = await inner(input, init);
    // Read at once: a client that gives up its own copy waits until this one has ended too.
    const body = response.clone().text();
    answers.push({ key: headers.get('idempotency-key'), status: response.status, headers: response.headers, body });
    return response;
  };
  return { fetch: watching, answers };
}
