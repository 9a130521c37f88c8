import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { createEmulator, type Emulator, type Model, type ModelDelta } from '../../emulator/index.ts';
import { Store } from '../../emulator/store/store.ts';
import { openTokenizer } from '../../emulator/tokenizer.ts';
import { Api, type Call, type Reply, type RequestBody, type Transport } from '../support/emulator.ts';

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

/** One request, what the model was to say to it, and what came back. */
interface Exchange {
  request: Parameters<Api['send']>;
  script: Script;
  reply: Reply<unknown>;
}

/** An emulator on a file, so that it can be stopped, collected to the end and started again. */
export class World {
  readonly path: string;
  readonly transport: Transport;
  readonly tokenizer: Tokenizer;
  readonly tokenizerSource = source;
  readonly clock = { now: () => START_MS };
  readonly exchanges: Exchange[] = [];
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
    this.#api = this.#start();
  }

  get api(): Api {
    return this.#api;
  }

  /** Stops, collects everything that nothing points to, and starts again. */
  async restart(): Promise<void> {
    await this.collect();
    this.#api = this.#start();
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

  #start(): Api {
    const { path: database, clock } = this;
    const options = { database, limits: LIMITS, tokenizer: source, seed: 'laws', clock, model: this.#model() };
    const recorded = ([method, path, body, call]: Exchange['request'], reply: Reply<unknown>) => {
      this.exchanges.push({ request: [method, path, body, call], script: this.script, reply });
    };
    return new RecordingApi(createEmulator(options), this.transport, recorded);
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

class RecordingApi extends Api {
  readonly #recorded: (request: Exchange['request'], reply: Reply<unknown>) => void;

  constructor(
    emulator: Emulator,
    transport: Transport,
    recorded: (request: Exchange['request'], reply: Reply<unknown>) => void,
  ) {
    super(emulator, transport);
    this.#recorded = recorded;
  }

  override async send<Body>(
    method: string,
    path: string,
    body: RequestBody | undefined,
    call?: Call,
  ): Promise<Reply<Body>> {
    const reply = await super.send<Body>(method, path, body, call);
    this.#recorded([method, path, body, call], reply);
    return reply;
  }
}
