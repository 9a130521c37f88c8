import { resolveLimits } from '../contract/limits.ts';
import { createApp } from './app.ts';
import { MovableClock, SEEDED_START_MS, stillClock, systemClock } from './clock.ts';
import type { Emulator } from './emulator.ts';
import { O200K_BASE } from './engines/tokens/vocabulary-files.ts';
import { Faults } from './faults/faults.ts';
import type { Gateway } from './gateway/gateway.ts';
import { HostNames } from './http/middleware.ts';
import { RateLimits } from './http/rate-limits.ts';
import { accountOf, randomIds, SeededIds } from './ids.ts';
import { InProcess } from './in-process.ts';
import { Journal } from './journal/journal.ts';
import { lazy } from './lazy.ts';
import { Profiles } from './models/profiles.ts';
import { lookupModel, ScriptableModel } from './models/scriptable.ts';
import { type EmulatorOptions, hintPlace } from './options.ts';
import { Servers } from './server.ts';
import type { Services } from './services.ts';
import { State } from './state/state.ts';
import { MEMORY } from './store/database.ts';
import { Store } from './store/store.ts';
import { openTokenizer } from './tokenizer.ts';

/** The base URL of an emulator that listens on no port. Reaches nothing but `emulator.fetch`. */
const IN_PROCESS_URL = 'http://kimi-emulator.invalid/v1';
const DEFAULT_STREAM_CHUNK_SIZE = 16;
const DEFAULT_HISTORY = 500;

const spending = lazy(() => import('./billing/billing.ts'));

/**
 * Puts the parts of an emulator together.
 * @param gateway where it answers with another server's answers
 * @param isReadOnly whether requests may only look
 */
export function openEmulator(options: EmulatorOptions, gateway?: Gateway, isReadOnly = false): Emulator {
  const limits = resolveLimits(options.limits);
  const { tokenizer: vocabulary, seed } = options;
  const tokenizer =
    typeof vocabulary === 'object' ? vocabulary : openTokenizer(vocabulary === undefined ? {} : { file: vocabulary });
  const otherTokenizer = gateway && openTokenizer({ file: O200K_BASE.name });
  const { history = DEFAULT_HISTORY } = options;
  const store = new Store(options.database ?? MEMORY, history);
  const seededIds = seed === undefined ? undefined : new SeededIds(String(seed), store.countRun());
  const clock = new MovableClock(options.clock ?? (seededIds ? stillClock(SEEDED_START_MS) : systemClock));
  const profiles = new Profiles({
    limits,
    given: options.limits ?? {},
    tokenizer,
    otherTokenizer,
    served: options.models,
    clock,
  });
  const state = new State({ store, limits, profiles, tokenizer, clock, seededIds });
  const journal = new Journal(options.journal);
  const faults = new Faults();
  const model = new ScriptableModel(options.model ?? lookupModel());
  const rates = options.rateTier === undefined ? undefined : new RateLimits(options.rateTier, clock);
  state.onReset.push(
    () => journal.markReset(clock.now()),
    () => faults.clear(),
    () => rates?.reset(),
    () => model.reset(),
  );
  const closing = new AbortController();
  const services: Services = {
    store,
    limits,
    clampsAnswers: options.oversizedAnswer !== 'refuse',
    hintsInBody: (options.hints ?? hintPlace(process.env)) === 'body',
    isStateless: options.stateless === true,
    tokenizer,
    model,
    profiles,
    clock,
    ids: seededIds?.next ?? randomIds(),
    state,
    faults,
    journal,
    closing: closing.signal,
    billing: { settings: options.billing ?? {} },
  };
  const hosts = new HostNames(options.allowedHosts ?? []);
  const app = createApp(services, {
    hosts,
    origins: options.cors ?? [],
    controlKey: options.controlKey,
    keys: options.apiKeys,
    rates,
    chunkCharacters: options.streamChunkSize ?? DEFAULT_STREAM_CHUNK_SIZE,
    gateway,
    isReadOnly,
    history,
  });
  const inProcess = new InProcess(app);
  const servers = new Servers();
  return {
    limits,
    tokenizer,
    model,
    clock,
    journal,
    faults,
    fetch: (input, init) => inProcess.fetch(input, init),
    get baseURL() {
      return servers.url === undefined ? IN_PROCESS_URL : `${servers.url}/v1`;
    },
    async listen({ port = 0, host = '127.0.0.1' } = {}) {
      hosts.bind(host);
      return servers.open(app.fetch, { port, host });
    },
    async close(last) {
      faults.close();
      closing.abort();
      await servers.close();
      inProcess.close();
      await gateway?.upstream.close();
      try {
        await last?.();
      } finally {
        store.close();
      }
    },
    script: (rules, how) => model.load(rules, how),
    spend: async (key, options) =>
      (await spending()).billingOf(services).spend(key === undefined ? undefined : accountOf(key), options),
    state: {
      saveBaseline: () => state.saveBaseline(),
      reset: () => state.reset(),
      export: (wanted) => state.export(wanted),
      exportParts: (wanted) => state.exportParts(wanted),
      import: (file, where) => state.import(file, where),
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}
