import { describe, type JournalEntry, type JournalFilter, passes } from './entries.ts';
import { type Asked, Exchange, sentIn } from './exchange.ts';
import { Redactor } from './redact.ts';

export interface JournalBounds {
  /** Requests that are remembered; 0 keeps no journal. */
  entries: number;
  /** Memory that they may take, roughly. The newest is kept whatever it takes. */
  bytes: number;
}

const JOURNAL_BOUNDS: JournalBounds = { entries: 1_000, bytes: 8 * 2 ** 20 };

/** As many as hold the results of one round, and rows of rounds that repeat. */
const MOST_LINES = 64;

/** UTF-16 units of declarations that are known by their text. */
const DECLARED_UNITS = 2 ** 20;

/** The last requests and their answers, in memory. Those that came in longest ago go first. */
export class Journal {
  readonly bounds: JournalBounds;
  readonly #listeners = new Set<(exchange: Exchange) => void>();
  readonly #ring: (Exchange | undefined)[];
  /** Number of the oldest that is still there, and of the next to come. */
  #oldest = 1;
  #next = 1;
  #bytes = 0;
  /** What requests declare, each text once: most of a run declare the same. */
  readonly #declared = new Map<string, string>();
  #declaredUnits = 0;
  /** Number of the last that was there when all were cleared. */
  #cleared = 0;
  #changes = 0;

  constructor(bounds: Partial<JournalBounds> = {}) {
    this.bounds = { ...JOURNAL_BOUNDS, ...bounds };
    this.#ring = new Array(this.bounds.entries).fill(undefined);
  }

  /** Takes up a request that has come in. Undefined where no journal is kept. */
  open(asked: Asked, at: number): Exchange | undefined {
    const { entries } = this.bounds;
    if (entries === 0) return undefined;
    if (this.#next - this.#oldest >= entries) this.#dropOldest();
    this.#changes += 1;
    const exchange = new Exchange(this.#next, at, asked);
    this.#ring[this.#next % entries] = exchange;
    this.#next += 1;
    this.#bytes += exchange.bytes;
    return exchange;
  }

  /** To be told whenever an exchange has grown. @param before its `bytes` before that */
  grown(exchange: Exchange, before: number): void {
    this.#changes += 1;
    if (this.#ring[exchange.n % this.bounds.entries] !== exchange) return;
    this.#bytes += exchange.bytes - before;
    while (this.#bytes > this.bounds.bytes && this.#oldest < this.#next - 1) this.#dropOldest();
  }

  /**
   * Calls back with each exchange once nothing more will come of it.
   * @returns a function that ends it
   */
  follow(listener: (exchange: Exchange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** To be told when an exchange is over: its answer was sent, or never will be. */
  end(exchange: Exchange): void {
    if (exchange.isOver) return;
    exchange.isOver = true;
    if (exchange.lines) this.noteSent(exchange, { messages: exchange.lines });
    exchange.lines = undefined;
    for (const listener of this.#listeners) listener(exchange);
  }

  /** Notes what a request's body says. */
  noteSent(exchange: Exchange, body: unknown): void {
    const sent = sentIn(body);
    exchange.sent = sent.declared === undefined ? sent : { ...sent, declared: this.#intern(sent.declared) };
  }

  /** The same of a line of a streamed append, of which the last tell what it does. */
  noteLine(exchange: Exchange, message: unknown): void {
    exchange.lines = [...(exchange.lines ?? []), message].slice(-MOST_LINES);
  }

  #intern(declared: string): string {
    const known = this.#declared.get(declared);
    if (known !== undefined) return known;
    if (this.#declaredUnits + declared.length > DECLARED_UNITS) {
      this.#declared.clear();
      this.#declaredUnits = 0;
    }
    this.#declared.set(declared, declared);
    this.#declaredUnits += declared.length;
    return declared;
  }

  /** All state was put back: what came before says nothing of what is there now. */
  markReset(at: number): void {
    const exchange = this.open({ method: 'POST', path: '/_emulator/reset', query: '', idempotencyKey: undefined }, at);
    if (!exchange) return;
    Object.assign(exchange, { status: 204, noted: { reset: true } });
    this.end(exchange);
  }

  /** Oldest first. @param since only those behind it */
  exchanges(since = 0): Exchange[] {
    const found: Exchange[] = [];
    for (let n = Math.max(this.#oldest, since + 1); n < this.#next; n += 1) {
      const exchange = this.#ring[n % this.bounds.entries];
      if (exchange) found.push(exchange);
    }
    return found;
  }

  /** Those of one account, and what befell all of them. */
  of(account: string): Exchange[] {
    return this.exchanges().filter((exchange) => exchange.account === account || exchange.noted?.reset);
  }

  /** As they are shown: oldest first, keys and share ids redacted. */
  entries(filter: JournalFilter = {}): JournalEntry[] {
    return [...this.shown(filter)];
  }

  /** The same one by one, of those that are there at the first. */
  *shown(filter: JournalFilter = {}): Generator<JournalEntry> {
    const all = this.exchanges();
    const redactor = new Redactor(all.flatMap(({ key }) => (key === undefined ? [] : [key])));
    const found = all.filter((exchange) => passes(exchange, filter));
    const first = Math.max(0, found.length - (filter.limit ?? found.length));
    const shown = new Set<string>();
    for (const exchange of found.slice(first)) {
      const { declared } = exchange.sent ?? {};
      const again = declared === undefined || shown.has(declared);
      if (!again) shown.add(declared);
      yield describe(exchange, redactor, { declared: !again });
    }
  }

  /** How often something of it has changed, so that who looks can tell whether it did again. */
  get changes(): number {
    return this.#changes;
  }

  /** Requests that it no longer remembers. */
  get dropped(): number {
    return this.#oldest - 1 - this.#cleared;
  }

  /** At most what its texts take, with what it keeps beside them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Forgets all. Numbers go on counting, so that no two requests of a run have the same. */
  clear(): void {
    this.#changes += 1;
    this.#cleared = this.#next - 1;
    this.#oldest = this.#next;
    this.#bytes = 0;
    this.#declared.clear();
    this.#declaredUnits = 0;
    this.#ring.fill(undefined);
  }

  #dropOldest(): void {
    const place = this.#oldest % this.bounds.entries;
    this.#bytes -= this.#ring[place]?.bytes ?? 0;
    this.#ring[place] = undefined;
    this.#oldest += 1;
  }
}
