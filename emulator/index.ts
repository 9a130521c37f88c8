import type { Hono } from 'hono';
import { type LimitName, type Limits, resolveLimits } from '../contract/limits.ts';
import { createApp } from './app.ts';
import { type Clock, systemClock } from './clock.ts';
import { randomIds, seededIds } from './ids.ts';
import type { Env } from './middleware/context.ts';
import { HostNames } from './middleware/guard.ts';
import { lookupModel } from './models/lookup.ts';
import type { Model } from './models/model.ts';
import { type ListenOptions, listen, type RunningServer } from './server.ts';
import type { Services } from './services.ts';
import { SessionLocks } from './sessions/locks.ts';
import { MEMORY } from './store/database.ts';
import { Store } from './store/store.ts';
import { openTokenizer } from './tokens/open-tokenizer.ts';
import type { TokenizerSource } from './tokens/tokenizer.ts';

export type { Clock } from './clock.ts';
export type { Model, ModelDelta, ModelRequest } from './models/model.ts';
export type { ListenOptions, RunningServer } from './server.ts';
export type { Tokenizer, TokenizerSource } from './tokens/tokenizer.ts';

/** The base URL of an emulator that listens on no port. Reaches nothing but `emulator.fetch`. */
const IN_PROCESS_URL = 'http://kimi-emulator.invalid/v1';
const DEFAULT_CHUNK_CHARACTERS = 16;

export interface EmulatorOptions {
  /** Where the state is kept: a file, or `:memory:` (the default). */
  db?: string;
  /** Limits of the contract that differ from the defaults. */
  limits?: Partial<Record<LimitName, number>>;
  /** Keys that are let in. Without the list, any key is an account of its own. */
  keys?: readonly string[];
  /** A vocabulary file of Kimi's, or a tokenizer of your own. Without it: KIMI_TOKENIZER, an installed one, `o200k_base`. */
  tokenizer?: string | TokenizerSource;
  /** What answers. */
  model?: Model;
  /** Fixes all ids. */
  seed?: string | number;
  clock?: Clock;
  /** Characters of one streamed chunk. */
  chunkCharacters?: number;
  /** Origins whose pages may call the API, such as `http://localhost:5173`. */
  cors?: readonly string[];
  /** Names, besides loopback's, under which the server may be addressed. */
  hosts?: readonly string[];
}

export interface Emulator {
  readonly app: Hono<Env>;
  /** Answers requests in process, as `fetch` does over the network. */
  readonly fetch: typeof fetch;
  /** What an SDK takes as its base URL; that of the port once it listens. */
  readonly baseURL: string;
  readonly limits: Limits;
  readonly tokenizer: TokenizerSource;
  readonly model: Model;
  /** Serves over HTTP as well; by default on loopback and any free port. */
  listen(options?: Partial<ListenOptions>): Promise<RunningServer>;
  /** Ends the server and closes the database. */
  close(): Promise<void>;
  /** Forgets all state. */
  reset(): void;
}

/**
 * An emulator in this process.
 * @throws RangeError for a limit out of range, DatabaseError or TokenizerFileError in one line for an unusable file
 */
export function createEmulator(options: EmulatorOptions = {}): Emulator {
  const limits = resolveLimits(options.limits);
  const { tokenizer: vocabulary, seed } = options;
  const tokenizer =
    typeof vocabulary === 'object' ? vocabulary : openTokenizer(vocabulary === undefined ? {} : { file: vocabulary });
  const store = new Store(options.db ?? MEMORY);
  const services: Services = {
    store,
    limits,
    tokenizer,
    model: options.model ?? lookupModel(),
    clock: options.clock ?? systemClock,
    ids: seed === undefined ? randomIds() : seededIds(String(seed), store.countRun()),
    locks: new SessionLocks(),
  };
  const hosts = new HostNames(options.hosts ?? []);
  const app = createApp(services, {
    hosts,
    origins: options.cors ?? [],
    keys: options.keys,
    chunkCharacters: options.chunkCharacters ?? DEFAULT_CHUNK_CHARACTERS,
  });
  const servers: RunningServer[] = [];
  return {
    app,
    limits,
    tokenizer,
    model: services.model,
    fetch: (input, init) => answerInProcess(app, new Request(input, init)),
    get baseURL() {
      const url = servers.at(-1)?.url;
      return url === undefined ? IN_PROCESS_URL : `${url}/v1`;
    },
    async listen({ port = 0, host = '127.0.0.1' } = {}) {
      hosts.bind(host);
      const server = await listen(app.fetch, { port, host });
      servers.push(server);
      return server;
    },
    async close() {
      await Promise.all(servers.splice(0).map((server) => server.close()));
      store.close();
    },
    reset: () => store.reset(),
  };
}

/** As over the network, a request that is aborted fails at once, whether or not an answer is on its way. */
async function answerInProcess(app: Hono<Env>, request: Request): Promise<Response> {
  const { signal } = request;
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([app.fetch(request), aborted]);
}
