import type { Hono } from 'hono';
import { type LimitName, type Limits, resolveLimits } from '../contract/limits.ts';
import type { TierNumber } from '../contract/tiers.ts';
import { accountOf } from './account.ts';
import { createApp } from './app.ts';
import type { BillingSettings } from './billing/books.ts';
import type { Spend } from './billing/spend.ts';
import { type Clock, MovableClock, SEEDED_START_MS, stillClock, systemClock } from './clock.ts';
import { type FaultHandle, Faults } from './faults/faults.ts';
import type { FaultSpec } from './faults/spec.ts';
import { randomIds, SeededIds } from './ids.ts';
import { answerInProcess } from './in-process.ts';
import { Journal, type JournalBounds } from './journal/journal.ts';
import { later } from './later.ts';
import type { Env } from './middleware/context.ts';
import { HostNames } from './middleware/guard.ts';
import { lookupModel } from './models/lookup.ts';
import type { Model } from './models/model.ts';
import { ScriptableModel, type ScriptOptions } from './models/scriptable.ts';
import type { ScriptRule } from './models/scripted.ts';
import { Rates } from './rate/rates.ts';
import { type ListenOptions, listen, type RunningServer } from './server.ts';
import type { Services } from './services.ts';
import { SessionLocks } from './sessions/locks.ts';
import type { Imported, ImportOptions } from './state/import-state.ts';
import { type ExportOptions, State } from './state/state.ts';
import { MEMORY } from './store/database.ts';
import { Store } from './store/store.ts';
import { openTokenizer } from './tokens/open-tokenizer.ts';
import type { TokenizerSource } from './tokens/tokenizer.ts';

export type { BillingSettings } from './billing/books.ts';
export type { Spend } from './billing/spend.ts';
export type { Clock, MovableClock } from './clock.ts';
export type { Effect, EffectName } from './faults/effects.ts';
export type { FaultHandle, Faults, ListedFault } from './faults/faults.ts';
export { FaultError, type FaultSpec } from './faults/spec.ts';
export type { JournalEntry } from './journal/describe.ts';
export type { JournalFilter } from './journal/filter.ts';
export type { Journal, JournalBounds } from './journal/journal.ts';
export { render as renderJournal } from './journal/render.ts';
export type { Model, ModelDelta, ModelRequest } from './models/model.ts';
export type { ScriptOptions } from './models/scriptable.ts';
export type { ScriptRule } from './models/scripted.ts';
export type { ListenOptions, RunningServer } from './server.ts';
export type { Imported, ImportOptions } from './state/import-state.ts';
export type { ExportOptions } from './state/state.ts';
export { StateError } from './state/state-error.ts';
export type { Tokenizer, TokenizerSource } from './tokens/tokenizer.ts';

/** The base URL of an emulator that listens on no port. Reaches nothing but `emulator.fetch`. */
const IN_PROCESS_URL = 'http://kimi-emulator.invalid/v1';
const DEFAULT_CHUNK_CHARACTERS = 16;

const spending = later(() => import('./billing/books.ts'));

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
  /** What work costs and what accounts have, for `spend`, `cached_tokens` and the balance. */
  billing?: BillingSettings;
  /** Fixes all ids, and time: it begins at 2025-09-05T00:00:00Z and stands still until it is moved. */
  seed?: string | number;
  /** Where time comes from, instead of the system or the seed. `emulator.clock` moves it. */
  clock?: Clock;
  /** Characters of one streamed chunk. */
  chunkCharacters?: number;
  /** The live API's rate tier that chat is held to, 0 to 5. Without it there is no rate limit. */
  tier?: TierNumber;
  /** Origins whose pages may call the API, such as `http://localhost:5173`. */
  cors?: readonly string[];
  /** Names, besides loopback's, under which the server may be addressed. */
  hosts?: readonly string[];
  /** How much the journal of requests remembers; `entries: 0` keeps none, and hints then know of no earlier request. */
  journal?: Partial<JournalBounds>;
}

export interface Emulator {
  readonly app: Hono<Env>;
  /** Answers requests in process, as `fetch` does over the network. */
  readonly fetch: typeof fetch;
  /** What an SDK takes as its base URL; that of the port once it listens. */
  readonly baseURL: string;
  readonly limits: Limits;
  readonly tokenizer: TokenizerSource;
  readonly model: ScriptableModel;
  /** The emulator's time; `advance(ms)` moves it on, and whatever expires with it. */
  readonly clock: MovableClock;
  /** The last requests and their answers. */
  readonly journal: Journal;
  /** What has been set to go wrong. */
  readonly faults: Pick<Faults, 'list' | 'clear' | 'unused'>;
  /** Sets something to go wrong, so many times. @throws FaultError that says which names and values are right */
  fault(spec: FaultSpec): FaultHandle;
  /** Serves over HTTP as well; by default on loopback and any free port. */
  listen(options?: Partial<ListenOptions>): Promise<RunningServer>;
  /**
   * Ends the server and closes the database.
   * @param last done in between: when no request is under way any more, and the state can still be read
   */
  close(last?: () => Promise<void>): Promise<void>;
  /**
   * Answers by rules, in front of the model. Requests after the call are answered by them, awaited or not.
   * @throws DocumentError, rejecting, for a rule that is none
   */
  script(rules: readonly ScriptRule[], options?: ScriptOptions): Promise<void>;
  /** What the work so far cost, and what it would have cost without sessions; of one account, by its key, or of all. */
  spend(key?: string): Promise<Spend>;
  /** Makes the present state what `reset` returns to. */
  keep(): void;
  /** Returns to the state that was kept; to nothing where none was. Requests that are under way change nothing any more. */
  reset(): void;
  /** All sessions and snapshots, or one session and its snapshots, as a file's text. @throws StateError */
  export(options?: ExportOptions): Promise<string>;
  /** Adds what such a file holds, or changes nothing. @throws StateError in one line */
  import(file: string | Uint8Array | object, options?: ImportOptions): Promise<Imported>;
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
  const seededIds = seed === undefined ? undefined : new SeededIds(String(seed), store.countRun());
  const clock = new MovableClock(options.clock ?? (seededIds ? stillClock(SEEDED_START_MS) : systemClock));
  const locks = new SessionLocks();
  const state = new State({ store, limits, tokenizer, clock, seededIds, locks });
  const journal = new Journal(options.journal);
  state.onReset.push(() => journal.markReset(clock.now()));
  const faults = new Faults();
  const model = new ScriptableModel(options.model ?? lookupModel());
  const rates = options.tier === undefined ? undefined : new Rates(options.tier, clock);
  state.onReset.push(
    () => faults.clear(),
    () => rates?.reset(),
    () => model.reset(),
  );
  const services: Services = {
    store,
    limits,
    tokenizer,
    model,
    clock,
    ids: seededIds?.next ?? randomIds(),
    locks,
    state,
    faults,
    journal,
    billing: options.billing ?? {},
  };
  const hosts = new HostNames(options.hosts ?? []);
  const app = createApp(services, {
    hosts,
    origins: options.cors ?? [],
    keys: options.keys,
    rates,
    chunkCharacters: options.chunkCharacters ?? DEFAULT_CHUNK_CHARACTERS,
  });
  const servers: RunningServer[] = [];
  return {
    app,
    limits,
    tokenizer,
    model,
    clock,
    journal,
    faults,
    fault: (spec) => faults.add(spec),
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
    async close(last) {
      faults.close();
      await Promise.all(servers.splice(0).map((server) => server.close()));
      try {
        await last?.();
      } finally {
        store.close();
      }
    },
    script: (rules, how) => model.load(rules, how),
    spend: async (key) => (await spending()).billingOf(services).spend(key === undefined ? undefined : accountOf(key)),
    keep: () => state.keep(),
    reset: () => state.reset(),
    export: (wanted) => state.export(wanted),
    import: (file, where) => state.import(file, where),
  };
}
