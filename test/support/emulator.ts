import { onTestFinished } from 'vitest';
import type { FileObject } from '../../contract/files.ts';
import { createEmulator, type Emulator, type EmulatorOptions } from '../../emulator/index.ts';

/** The same tests run over both. */
export const TRANSPORTS = ['in process', 'over HTTP'] as const;
export type Transport = (typeof TRANSPORTS)[number];

export const MODEL = 'kimi-k2-0905-preview';

/** An answer as it came: status, headers and parsed body. */
export interface Reply<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

export interface Call {
  key?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export type RequestBody = string | ReadableStream<Uint8Array> | FormData;

/** Plain requests to an emulator; nothing retries, repairs or hides. */
export class Api {
  readonly emulator: Emulator;
  readonly fetch: typeof fetch;

  constructor(emulator: Emulator, transport: Transport) {
    this.emulator = emulator;
    this.fetch = transport === 'in process' ? emulator.fetch : fetch;
  }

  get<Body = Record<string, unknown>>(path: string, call: Call = {}): Promise<Reply<Body>> {
    return this.send('GET', path, undefined, call);
  }

  post<Body = Record<string, unknown>>(path: string, body: unknown = {}, call: Call = {}): Promise<Reply<Body>> {
    return this.send('POST', path, JSON.stringify(body), {
      ...call,
      headers: { 'Content-Type': 'application/json', ...call.headers },
    });
  }

  /** Uploads a file, as a browser's form does. */
  upload<Body = FileObject>(
    file: Uint8Array | string,
    { purpose = 'image', filename = 'a.png', ...call }: Call & { purpose?: string; filename?: string } = {},
  ): Promise<Reply<Body>> {
    const form = new FormData();
    form.append('file', new Blob([typeof file === 'string' ? file : new Uint8Array(file)]), filename);
    form.append('purpose', purpose);
    return this.send('POST', '/v1/files', form, call);
  }

  delete<Body = Record<string, unknown>>(path: string, call: Call = {}): Promise<Reply<Body>> {
    return this.send('DELETE', path, undefined, call);
  }

  async send<Body>(method: string, path: string, body: RequestBody | undefined, call: Call = {}): Promise<Reply<Body>> {
    const response = await this.open(method, path, body, call);
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    const parsed = type.startsWith('application/json') ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, body: parsed as Body, text };
  }

  /** The response with its body unread. A path that does not begin with /v1 is taken from the server's root. */
  open(method: string, path: string, body?: RequestBody, call: Call = {}): Promise<Response> {
    const { key = 'sk-test', headers, signal } = call;
    const root = this.emulator.baseURL.replace(/\/v1$/, '');
    const streamed = body instanceof ReadableStream ? { duplex: 'half' as const } : {};
    return this.fetch(root + path, {
      method,
      headers: { Authorization: `Bearer ${key}`, ...headers },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
      ...streamed,
    });
  }
}

/** An emulator of the test's own, closed when the test ends. */
export async function startEmulator(transport: Transport, options: EmulatorOptions = {}): Promise<Api> {
  return openApi(createEmulator(options), transport);
}

/** The requests of a test to an emulator of its own, which is closed when the test ends. */
export async function openApi(emulator: Emulator, transport: Transport): Promise<Api> {
  onTestFinished(() => emulator.close());
  if (transport === 'over HTTP') await emulator.listen();
  return new Api(emulator, transport);
}

/** The chunks of an event stream, and whether it said `[DONE]`. */
export function readEvents(text: string): { chunks: Record<string, unknown>[]; done: boolean } {
  const events = text.split('\n\n').filter((event) => event !== '');
  const data = events.map((event) => event.replace(/^data: /, ''));
  return {
    chunks: data.filter((event) => event !== '[DONE]').map((event) => JSON.parse(event)),
    done: data.at(-1) === '[DONE]',
  };
}
