import { setTimeout } from 'node:timers/promises';
import type { Emulator, FaultHandle, FaultSpec } from '../../emulator/index.ts';

/** What a client is asked to do. */
export type Task = 'chat' | 'streamed chat' | 'append' | 'rollback' | 'compress';

/** One fault under one task, for every client. */
export interface Row {
  /** How the table names it. */
  fault: string;
  spec: FaultSpec;
  task: Task;
  /** How long the client is told to wait for an answer, where it would wait for good. */
  limitMs?: number;
}

/** Where a client finds its session. */
export interface Place {
  baseURL: string;
  apiKey: string;
  fetch: typeof fetch;
  session: string;
  snapshot: string;
  limitMs: number | undefined;
  /** For a client that has no limit of its own: aborted `limitMs` after the server began to hang. */
  limit: AbortSignal | undefined;
}

/** What a client has in the end. */
export interface Got {
  /** The answer's text, if the task has one. */
  text?: string;
  /** An error that it told on the side, and did not throw. */
  told?: unknown;
}

/** Does a task with one client, as its documentation shows it; undefined for one that it does not know. */
export type Client = (task: Task, place: Place) => Promise<Got> | undefined;

/** What the model says to everything: its end takes several bytes a character. */
export const SAID = 'The gate of flight HAT136 is B7 · 登机口';

interface State {
  version: number;
}

/**
 * Sets the fault, lets the client do the task, and tells in words what came of it: how it ended for the client, in how many
 * requests, and how often it took effect.
 */
export async function runCell(
  emulator: Emulator,
  { spec, task, limitMs }: Row,
  client: Client,
  apiKey: string,
): Promise<string> {
  const { baseURL } = emulator;
  const call = async <Body>(method: string, path: string, body?: object): Promise<Body> => {
    const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
    const response = await fetch(baseURL + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return (await response.json()) as Body;
  };
  const messages = [{ role: 'user', content: 'A long line to begin with. '.repeat(40) }];
  const { id: session } = await call<{ id: string }>('POST', '/sessions', { messages });
  const { id: snapshot } = await call<{ id: string }>('POST', `/sessions/${session}/snapshots`, {});
  const before = await call<State>('GET', `/sessions/${session}`);
  let requests = 0;
  const fault = emulator.faults.add({ ...spec, key: apiKey });
  const counting: typeof fetch = (input, init) => {
    requests += 1;
    return fetch(input, limitMs === undefined ? init : { ...init, signal: onceHanging(init?.signal, fault) });
  };
  const limit = limitMs === undefined ? undefined : limitOf(limitMs, fault);
  const doing = client(task, { baseURL, apiKey, fetch: counting, session, snapshot, limitMs, limit });
  if (!doing) return '–';
  const ending = await doing.then(endingOf, (error) => `throws ${nameOf(error)}`);
  // Only now has the server seen that its client is gone.
  while (fault.waiting > 0) await setTimeout(5);
  fault.remove();
  const after = await call<State>('GET', `/sessions/${session}`);
  return `${ending}; ${requests} ${requests === 1 ? 'request' : 'requests'}; ${effectOf(after.version - before.version)}`;
}

/** Aborted as the client's signal is, but only in a request that hangs: on a busy machine any other may take as long. */
function onceHanging(signal: AbortSignal | null | undefined, fault: FaultHandle): AbortSignal {
  const abort = new AbortController();
  const onAbort = async (): Promise<void> => {
    await acted(fault);
    if (fault.waiting > 0) abort.abort(signal?.reason);
  };
  signal?.addEventListener('abort', () => void onAbort(), { once: true });
  return abort.signal;
}

function limitOf(ms: number, fault: FaultHandle): AbortSignal {
  const abort = new AbortController();
  const expire = () => abort.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  void acted(fault)
    .then(() => setTimeout(ms))
    .then(expire);
  return abort.signal;
}

async function acted(fault: FaultHandle): Promise<void> {
  while (fault.remaining > 0) await setTimeout(5);
}

function endingOf({ text, told }: Got): string {
  const error = told === undefined ? '' : `, \`onError\` gets ${nameOf(told)}`;
  if (text === undefined || text === SAID) return told === undefined ? 'succeeds' : `gives the whole answer${error}`;
  return `**ends silently** with ${text === '' ? 'nothing' : 'a part'}${error}`;
}

/** Its class and status. The SDK's errors are told apart by their classes, those of `ai` by their names. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an object that is not an `Error`';
  const { status, statusCode, lastError } = error as { status?: number; statusCode?: number; lastError?: unknown };
  const name = `\`${error.name === 'Error' ? error.constructor.name : error.name}\``;
  if (lastError !== undefined) return `${name} of ${nameOf(lastError)}`;
  const code = status ?? statusCode;
  return code === undefined ? name : `${name} (${code})`;
}

function effectOf(steps: number): string {
  if (steps === 0) return 'no effect';
  return steps === 1 ? 'one effect' : `**${steps} effects**`;
}
