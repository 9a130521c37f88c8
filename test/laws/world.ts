import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createEmulator, type Emulator, type Model, type ModelDelta } from '../../emulator/index.ts';
import { Store } from '../../emulator/store/store.ts';
import { openTokenizer } from '../../emulator/tokens/open-tokenizer.ts';
import type { Tokenizer } from '../../emulator/tokens/tokenizer.ts';
import { Api, type Transport } from '../support/emulator.ts';

/** So small that windows are cut, writes refused and limits reached all the time. */
export const LIMITS = {
  sessions: 5,
  snapshots: 8,
  append_tokens: 256,
  min_preserve_tokens: 64,
  window_tokens: 2_000,
} as const;

export const ACCOUNTS = ['sk-one', 'sk-two'] as const;

const START_MS = Date.UTC(2026, 10, 22);
const source = openTokenizer({ file: 'o200k_base' });

/** What the model says next: its words, or how it fails. */
export type Script = ModelDelta[] | 'fails' | 'waits';

/** An emulator on a file, so that it can be stopped, collected to the end and started again. */
export class World {
  readonly path: string;
  readonly transport: Transport;
  readonly tokenizer: Tokenizer;
  script: Script = [];
  #api: Api;

  static async open(folder: string, transport: Transport): Promise<World> {
    const path = join(folder, 'state.db');
    for (const suffix of ['', '-wal']) rmSync(path + suffix, { force: true });
    const world = new World(path, transport, await source.load());
    if (transport === 'over HTTP') await world.api.emulator.listen();
    return world;
  }

  private constructor(path: string, transport: Transport, tokenizer: Tokenizer) {
    this.path = path;
    this.transport = transport;
    this.tokenizer = tokenizer;
    this.#api = new Api(this.#start(), transport);
  }

  get api(): Api {
    return this.#api;
  }

  /** Stops, collects everything that nothing points to, and starts again. */
  async restart(): Promise<void> {
    await this.collect();
    this.#api = new Api(this.#start(), this.transport);
    if (this.transport === 'over HTTP') await this.#api.emulator.listen();
  }

  /** Stops and collects to the end. */
  async collect(): Promise<void> {
    await this.close();
    const store = new Store(this.path);
    while (store.collector.slice());
    store.close();
  }

  close(): Promise<void> {
    return this.#api.emulator.close();
  }

  #start(): Emulator {
    const clock = { now: () => START_MS };
    return createEmulator({
      db: this.path,
      limits: LIMITS,
      tokenizer: source,
      seed: 'laws',
      clock,
      model: this.#model(),
    });
  }

  /** Says what the test has written down for it. */
  #model(): Model {
    const script = () => this.script;
    return {
      name: 'script',
      async *complete({ signal }) {
        const said = script();
        if (said === 'fails') throw new Error('the model failed, as the test wants it to');
        if (said !== 'waits') return yield* said;
        yield { type: 'text', text: 'a beginning' };
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    };
  }
}
