import { App } from './app.ts';
import type { Emulator } from './emulator.ts';
import type { Gateway } from './gateway/gateway.ts';
import { HostNames } from './http/middleware.ts';
import { RateLimits } from './http/rate-limits.ts';
import { accountOf } from './ids.ts';
import { InProcess } from './in-process.ts';
import { lazy } from './lazy.ts';
import { DEFAULT_HISTORY, openServices } from './open-services.ts';
import type { EmulatorOptions } from './options.ts';
import { Servers } from './server.ts';

/** The base URL of an emulator that listens on no port. Reaches nothing but `emulator.fetch`. */
const IN_PROCESS_URL = 'http://kimi-emulator.invalid/v1';
const DEFAULT_STREAM_CHUNK_SIZE = 16;

const spending = lazy(() => import('./billing/billing.ts'));

/**
 * Puts the parts of an emulator together.
 * @param gateway where it answers with another server's answers
 * @param isReadOnly whether requests may only look
 */
export function openEmulator(options: EmulatorOptions, gateway?: Gateway, isReadOnly = false): Emulator {
  const closing = new AbortController();
  const services = openServices(options, { closing: closing.signal, takesOthers: gateway !== undefined });
  const { limits, tokenizer, model, clock, journal, faults, state, store } = services;
  const rates = options.rateTier === undefined ? undefined : new RateLimits(options.rateTier, clock);
  state.onReset.push(() => rates?.reset());
  const hosts = new HostNames(options.allowedHosts ?? []);
  const app = new App(services, {
    hosts,
    origins: options.cors ?? [],
    controlKey: options.controlKey,
    keys: options.apiKeys,
    rates,
    chunkCharacters: options.streamChunkSize ?? DEFAULT_STREAM_CHUNK_SIZE,
    gateway,
    isReadOnly,
    history: options.history ?? DEFAULT_HISTORY,
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
      return servers.open(app.answer, { port, host });
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
