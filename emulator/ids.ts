import { createHash, randomBytes } from 'node:crypto';

/** The kinds of ids, and what each starts with. */
const PREFIXES = {
  session: 'sess_',
  message: 'msg_',
  snapshot: 'snap_',
  share: 'shr_',
  completion: 'chatcmpl-',
  request: 'req_',
} as const;

export type IdKind = keyof typeof PREFIXES;
/** Makes a new id; or, with `of`, the id of the one thing of its kind that belongs to `of`, as often as it is asked for. */
export type Ids = (kind: IdKind, of?: string) => string;

const BYTES = 12;
const POOL = BYTES * 256;
const TIME_DIGITS = 12;

/**
 * Ids that cannot be guessed: 96 random bits, 24 hex digits as in the live API's completion ids. A message's begins with
 * the time, so that a table of many is written to at its end; it is reached only through its session.
 */
export function randomIds(): Ids {
  const secret = randomBytes(32).toString('hex');
  let pool = '';
  let offset = 0;
  return (kind, of) => {
    if (of !== undefined) return hashed(kind, `${secret}\0${kind}\0${of}`);
    if (offset >= pool.length) {
      pool = randomBytes(POOL).toString('hex');
      offset = 0;
    }
    offset += 2 * BYTES;
    const id = PREFIXES[kind] + pool.slice(offset - 2 * BYTES, offset);
    return kind === 'message' ? inTimeOrder(id) : id;
  };
}

function inTimeOrder(id: string): string {
  return (
    PREFIXES.message +
    Date.now().toString(16).padStart(TIME_DIGITS, '0') +
    id.slice(PREFIXES.message.length + TIME_DIGITS)
  );
}

/**
 * Ids that follow from a seed: the n-th id of a kind is the same in every run.
 * `run` keeps a database that is opened again from being given the ids that it already holds.
 */
export class SeededIds {
  #prefix: string;
  #issued = new Map<IdKind, number>();
  #kept: { prefix: string; issued: ReadonlyMap<IdKind, number> };

  constructor(seed: string, run: number) {
    this.#prefix = `${seed}\0${run}`;
    this.#kept = { prefix: this.#prefix, issued: new Map() };
  }

  readonly next: Ids = (kind, of) => {
    if (of !== undefined) return hashed(kind, `${this.#prefix}\0${kind}\0of\0${of}`);
    const count = this.#issued.get(kind) ?? 0;
    this.#issued.set(kind, count + 1);
    return hashed(kind, `${this.#prefix}\0${kind}\0${count}`);
  };

  /** From here on other ids, which follow from `text` too: for when ids are taken in that the same seed may have made. */
  diverge(text: string): void {
    this.#prefix += `\0from\0${text}`;
    this.#issued = new Map();
  }

  /** Makes what is next now what is next after `restart`. */
  keep(): void {
    this.#kept = { prefix: this.#prefix, issued: new Map(this.#issued) };
  }

  /** As if nothing had been issued since `keep`. */
  restart(): void {
    this.#prefix = this.#kept.prefix;
    this.#issued = new Map(this.#kept.issued);
  }
}

function hashed(kind: IdKind, text: string): string {
  return (
    PREFIXES[kind] +
    createHash('sha256')
      .update(text)
      .digest('hex')
      .slice(0, 2 * BYTES)
  );
}
