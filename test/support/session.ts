import { expect } from 'vitest';
import { ERRORS, type ErrorBody, type ErrorCode } from '../../contract/errors.ts';
import type { List } from '../../contract/lists.ts';
import type { InputMessage } from '../../contract/messages.ts';
import type {
  Session,
  SessionAppend,
  SessionCompression,
  SessionMessage,
  SessionTruncation,
} from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import type { EmulatorOptions, Tokenizer } from '../../emulator/index.ts';
import { openTokenizer } from '../../emulator/tokenizer.ts';
import { type Api, type Call, MODEL, type Reply, startEmulator, type Transport } from './emulator.ts';

/** One for all emulators of a test file, so that it is loaded once. */
export const O200K = openTokenizer({ file: 'o200k_base' });

/** The same tokenizer with some of its methods replaced. */
export function overridden(tokenizer: Tokenizer, methods: Partial<Tokenizer>): Tokenizer {
  return {
    name: tokenizer.name,
    exact: tokenizer.exact,
    encode: (text) => tokenizer.encode(text),
    count: (text) => tokenizer.count(text),
    countSliced: (text) => tokenizer.countSliced(text),
    prefixWithin: (text, maxTokens) => tokenizer.prefixWithin(text, maxTokens),
    suffixWithin: (text, maxTokens) => tokenizer.suffixWithin(text, maxTokens),
    ...methods,
  };
}

/** Time that stands still until a test moves it. */
export class MovableClock {
  #ms = 1_795_334_400_000;

  now(): number {
    return this.#ms;
  }

  passSeconds(seconds: number): void {
    this.#ms += 1_000 * seconds;
  }
}

/** Text of exactly so many tokens, in every vocabulary. */
export function words(tokens: number): string {
  return ' a'.repeat(tokens);
}

/** A message of exactly so many tokens, its frame of 4 included. */
export function sized(tokens: number, role: 'user' | 'system' | 'assistant' = 'user'): InputMessage {
  return { role, content: words(tokens - 4) };
}

export function called(...ids: string[]): InputMessage {
  const tool_calls = ids.map((id) => ({ id, type: 'function' as const, function: { name: 'look', arguments: '{}' } }));
  return { role: 'assistant', content: null, tool_calls };
}

export function result(tool_call_id: string, content = 'done'): InputMessage {
  return { role: 'tool', tool_call_id, content };
}

export function tool(name: string, description?: string) {
  return {
    type: 'function',
    function: { name, ...(description !== undefined && { description }), parameters: { type: 'object' } },
  };
}

/** A session of an account, by the names of its operations. Answers come back whole; nothing is asserted. */
export class SessionUnderTest {
  readonly api: Api;
  readonly id: string;
  readonly key: string;
  readonly path: string;

  constructor(api: Api, id: string, key: string) {
    this.api = api;
    this.id = id;
    this.key = key;
    this.path = `/v1/sessions/${id}`;
  }

  show(): Promise<Reply<Session>> {
    return this.api.get(this.path, { key: this.key });
  }

  append(message: InputMessage | { messages: InputMessage[] }, headers: Record<string, string> = {}) {
    return this.post<SessionAppend>('/messages', message, headers);
  }

  truncate(preserve_len: number, more: object = {}) {
    return this.post<SessionTruncation>('/truncate', { preserve_len, ...more });
  }

  snapshot(body: object = {}) {
    return this.post<Snapshot>('/snapshots', body);
  }

  rollback(snapshot_id: string, more: object = {}) {
    return this.post<Session>('/rollback', { snapshot_id, ...more });
  }

  compress(body: object = {}) {
    return this.post<SessionCompression>('/compress', body);
  }

  chat<Body = Record<string, unknown>>(messages: unknown[], more: object = {}, call: Call = {}): Promise<Reply<Body>> {
    const body = { model: MODEL, session_id: this.id, messages, ...more };
    return this.api.post('/v1/chat/completions', body, { key: this.key, ...call });
  }

  post<Body = Record<string, unknown>>(route: string, body: unknown, headers: Record<string, string> = {}) {
    return this.api.post<Body>(this.path + route, body, { key: this.key, headers });
  }

  /** The window, oldest first. */
  messages(): Promise<SessionMessage[]> {
    return everyItem(this.api, `${this.path}/messages`, this.key);
  }

  /** All that can be seen of the session. Two of them are equal where nothing has changed. */
  async state() {
    const { status, body } = await this.show();
    if (status !== 200) return { status, body };
    const snapshots = await everyItem<Snapshot>(this.api, `${this.path}/snapshots`, this.key);
    return { status, body, messages: await this.messages(), snapshots };
  }
}

/** An emulator that counts with `o200k_base`, and a session in it. */
export async function startSession(
  transport: Transport,
  options: EmulatorOptions = {},
  body: object = {},
): Promise<SessionUnderTest> {
  const api = await startEmulator(transport, { tokenizer: O200K, ...options });
  return createSession(api, body);
}

export async function createSession(api: Api, body: object = {}, key = 'sk-test'): Promise<SessionUnderTest> {
  const { status, body: session } = await api.post<Session>('/v1/sessions', body, { key });
  expect(status, JSON.stringify(session)).toBe(201);
  return new SessionUnderTest(api, session.id, key);
}

/** A request that names no session is refused as invalid, in the form of the live API. @returns what is said */
export function expectInvalid(reply: Reply<unknown>): string {
  const { error } = reply.body as ErrorBody;
  const seen = { status: reply.status, type: error?.type, code: error?.code };
  expect(seen, reply.text).toEqual({ status: 400, type: ERRORS.invalid_request.type, code: undefined });
  return error.message;
}

/** All pages of a list, in its own order. */
export async function everyItem<Item extends { id: string }>(api: Api, path: string, key?: string): Promise<Item[]> {
  const items: Item[] = [];
  const separator = path.includes('?') ? '&' : '?';
  for (let after = ''; ; ) {
    const page = `${path}${separator}limit=100${after}`;
    const { status, body } = await api.get<List<Item>>(page, key === undefined ? {} : { key });
    expect(status, page).toBe(200);
    items.push(...body.data);
    if (!body.has_more) return items;
    after = `&after=${body.last_id}`;
  }
}

/** Asserts a refusal: its row of the error table, and on the wire exactly the envelope, code and field named. */
export function expectRefusal(reply: Reply<unknown>, code: ErrorCode, param?: string): ErrorBody['error'] {
  const { error } = (reply.body ?? {}) as Partial<ErrorBody>;
  const row = ERRORS[code];
  const seen = { status: reply.status, type: error?.type, code: error?.code, param: error?.param };
  expect(seen, reply.text).toEqual({ status: row.status, type: row.type, code: row.bare ? undefined : code, param });
  expect(reply.headers.get('x-should-retry')).toBe(String(row.retry));
  return error as ErrorBody['error'];
}
