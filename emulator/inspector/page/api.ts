import { useEffect, useState } from 'preact/hooks';
import type { LiveEvent, Overview } from '../answers.ts';

const ROOT = '/_emulator/inspect';
const KEY = 'kimi-emulator-control-key';
/** After a lost connection. */
const RETRY_MS = 1_000;

/** Why the server refused, in its words. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function headers(more: Record<string, string> = {}): Record<string, string> {
  const key = sessionStorage.getItem(KEY);
  return { ...(key !== null && { Authorization: `Bearer ${key}` }), ...more };
}

/** The control key is kept for as long as the tab is open, and nowhere else. */
export function keepControlKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(path, init);
  if (response.ok) return response;
  const text = await response.text();
  throw new Refused(response.status, messageIn(text) ?? `the server answered ${response.status}`);
}

function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}

export async function read<Body>(path: string, signal?: AbortSignal): Promise<Body> {
  const response = await request(ROOT + path, { headers: headers(), ...(signal && { signal }) });
  return (await response.json()) as Body;
}

export async function act<Body>(name: string, body: object, { token }: Pick<Overview, 'token'>): Promise<Body> {
  const sent = headers({ 'Content-Type': 'application/json', 'Kimi-Emulator-Inspector': token });
  const response = await request(`${ROOT}/actions/${name}`, {
    method: 'POST',
    headers: sent,
    body: JSON.stringify(body),
  });
  return (await response.json()) as Body;
}

/** Stores an export as a file of the user's. */
export async function download(session: string | undefined): Promise<void> {
  const query = session === undefined ? '' : `?session=${encodeURIComponent(session)}`;
  const blob = await (await request(`/_emulator/export${query}`, { headers: headers() })).blob();
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${session ?? 'state'}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), RETRY_MS);
}

interface Loaded<Body> {
  data: Body | undefined;
  error: string | undefined;
}

/** What a path answers, asked again whenever `version` changes. What was there stays until the next is. */
export function useRead<Body>(path: string | undefined, version: unknown = 0): Loaded<Body> {
  const [loaded, setLoaded] = useState<Loaded<Body> & { path?: string | undefined }>({
    data: undefined,
    error: undefined,
  });
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    read<Body>(path, abort.signal).then(
      (data) => setLoaded({ data, error: undefined, path }),
      (error: Error) => abort.signal.aborted || setLoaded({ data: undefined, error: error.message, path }),
    );
    return () => abort.abort();
  }, [path, version]);
  return loaded.path === path ? loaded : { data: undefined, error: undefined };
}

export interface Live extends LiveEvent {
  connected: boolean;
}

type Listener = (live: Live) => void;

/** Follows the server's events, and connects again where that ends. */
export function follow(listener: Listener): () => void {
  const abort = new AbortController();
  let live: Live = { changes: 0, requests: 0, sessions: [], count: 0, now: 0, connected: false };
  const tell = (change: Partial<Live>): void => {
    live = { ...live, ...change };
    listener(live);
  };
  const run = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      try {
        const response = await request(`${ROOT}/live`, { headers: headers(), signal: abort.signal });
        if (!response.body) return;
        for await (const event of eventsIn(response.body)) tell({ ...event, connected: true });
      } catch (error) {
        if (error instanceof Refused) return;
      }
      if (abort.signal.aborted) return;
      tell({ connected: false });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  };
  void run();
  return () => abort.abort();
}

async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<LiveEvent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = text.slice('data: '.length, end);
      text = text.slice(end + 2);
      if (data !== '[DONE]') yield JSON.parse(data) as LiveEvent;
    }
  }
}
