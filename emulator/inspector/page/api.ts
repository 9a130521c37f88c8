import { useEffect, useRef, useState } from 'preact/hooks';
import type { LiveEvent, Overview } from '../answers.ts';

const ROOT = '/_emulator/inspect';
const KEY = 'kimi-emulator-control-key';
/** After a lost connection. */
const RETRY_MS = 1_000;

/** Why the server refused, in its words. */
export class Refused extends Error {
  readonly status: number;
  /** Whether there is a key that would open it. */
  readonly asksForKey: boolean;

  constructor({ status, headers }: Response, message: string) {
    super(message);
    this.status = status;
    this.asksForKey = headers.has('WWW-Authenticate');
  }
}

function headers(more: Record<string, string> = {}): Record<string, string> {
  const key = sessionStorage.getItem(KEY);
  return { ...(key !== null && { Authorization: `Bearer ${key}` }), ...more };
}

/** The control key is kept for as long as the tab is open and it opens the server, and nowhere else. */
export function keepControlKey(key: string): void {
  // No header can carry another, so that it is not a key.
  if (/^[\x21-\x7e]+$/.test(key)) sessionStorage.setItem(KEY, key);
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(path, init);
  if (response.ok) return response;
  const text = await response.text();
  const refused = new Refused(response, messageIn(text) ?? `the server answered ${response.status}`);
  if (refused.asksForKey) sessionStorage.removeItem(KEY);
  throw refused;
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

/** A reader that runs once at a time: asked for while it runs, it runs once more behind that, however often it was asked. */
export function useReader(work: () => Promise<void>): [ask: () => void, error: string | undefined] {
  const [error, setError] = useState<string>();
  const latest = useRef(work);
  latest.current = work;
  const state = useRef<'idle' | 'reading' | 'asked'>('idle');
  const run = async (): Promise<void> => {
    do {
      state.current = 'reading';
      await latest.current().then(
        () => setError(undefined),
        (problem: Error) => setError(problem.message),
      );
    } while ((state.current as string) === 'asked');
    state.current = 'idle';
  };
  const ask = (): void => {
    if (state.current === 'idle') void run();
    else state.current = 'asked';
  };
  return [ask, error];
}

export interface Live extends LiveEvent {
  connected: boolean;
}

export const NOT_LIVE: Live = {
  changes: 0,
  requests: 0,
  sessions: null,
  count: 0,
  now: 0,
  faults: '',
  connected: false,
};

interface Following {
  onEvent(live: Live): void;
  /** It is over: the server wants a key, or another one. */
  onRefused(refused: Refused): void;
}

/** Follows the server's events for as long as the page is to be seen, and connects again where that ends. */
export function follow({ onEvent, onRefused }: Following): () => void {
  let live = NOT_LIVE;
  let left = false;
  let connection = new AbortController();
  const tell = (change: Partial<Live>): void => {
    live = { ...live, ...change };
    onEvent(live);
  };
  // A page that nobody sees costs the server nothing.
  const onVisibility = (): void => {
    if (document.hidden) connection.abort();
    else wake();
  };
  let wake = (): void => undefined;
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (!document.hidden) setTimeout(resolve, RETRY_MS);
    });
  const run = async (): Promise<void> => {
    while (!left) {
      if (document.hidden) await pause();
      connection = new AbortController();
      try {
        const response = await request(`${ROOT}/live`, { headers: headers(), signal: connection.signal });
        if (!response.body) return;
        for await (const event of eventsIn(response.body)) tell({ ...event, connected: true });
      } catch (error) {
        if (error instanceof Refused) return onRefused(error);
      }
      if (left) return;
      tell({ connected: false });
      await pause();
    }
  };
  document.addEventListener('visibilitychange', onVisibility);
  void run();
  return () => {
    left = true;
    document.removeEventListener('visibilitychange', onVisibility);
    connection.abort();
    wake();
  };
}

/** Events as they come; those that come at once are one. */
async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<LiveEvent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    const events = parts
      .map((part) => part.slice('data: '.length))
      .filter((data) => data !== '[DONE]')
      .map((data) => JSON.parse(data) as LiveEvent);
    const last = events.at(-1);
    if (last) yield { ...last, sessions: joined(events) };
  }
}

/** Sessions of all events; null where those of one are not known. */
function joined(events: readonly LiveEvent[]): string[] | null {
  const named = events.map(({ sessions }) => sessions);
  return named.includes(null) ? null : [...new Set(named.flatMap((ids) => ids ?? []))];
}
