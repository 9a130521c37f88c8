import { createHash, randomBytes, randomUUID } from 'node:crypto';

/** The kinds of ids, and what each starts with. */
const PREFIXES = {
  session: 'sess_',
  message: 'msg_',
  snapshot: 'snap_',
  share: 'shr_',
  completion: 'chatcmpl-',
  uuidCompletion: 'chatcmpl-',
  request: 'req_',
  file: 'file-',
} as const;

type IdKind = keyof typeof PREFIXES;
/** Makes a new id; or, with `of`, always the same id for the one thing of its kind that belongs to `of`. */
export type Ids = (kind: IdKind, of?: string) => string;

const BYTES = 12;
const POOL = BYTES * 256;
const TIME_DIGITS = 12;

/**
 * Ids that cannot be guessed: 96 random bits, 24 hex digits as in the live API's completion ids. A message id begins with the
 * time, so that its index grows at the end; it is looked up only within its session.
 */
export function randomIds(): Ids {
  const secret = randomBytes(32).toString('hex');
  let pool = '';
  let offset = 0;
  return (kind, of) => {
    if (of !== undefined) return hashed(kind, `${secret}\0${kind}\0${of}`);
    if (kind === 'uuidCompletion') return PREFIXES[kind] + randomUUID();
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
 * `run` differs each time a database is opened, so that it never gets an id that it already holds.
 */
export class SeededIds {
  #prefix: string;
  #issued = new Map<IdKind, number>();
  #baseline: { prefix: string; issued: ReadonlyMap<IdKind, number> };

  constructor(seed: string, run: number) {
    this.#prefix = `${seed}\0${run}`;
    this.#baseline = { prefix: this.#prefix, issued: new Map() };
  }

  readonly next: Ids = (kind, of) => {
    if (of !== undefined) return hashed(kind, `${this.#prefix}\0${kind}\0of\0${of}`);
    const count = this.#issued.get(kind) ?? 0;
    this.#issued.set(kind, count + 1);
    return hashed(kind, `${this.#prefix}\0${kind}\0${count}`);
  };

  /** Derives all further ids from `text` too: imported ids may have been made from the same seed. */
  diverge(text: string): void {
    this.#prefix += `\0from\0${text}`;
    this.#issued = new Map();
  }

  /** Makes the next id the one that comes next after `reset`. */
  saveBaseline(): void {
    this.#baseline = { prefix: this.#prefix, issued: new Map(this.#issued) };
  }

  /** As if no id had been issued since `saveBaseline`. */
  reset(): void {
    this.#prefix = this.#baseline.prefix;
    this.#issued = new Map(this.#baseline.issued);
  }
}

function hashed(kind: IdKind, text: string): string {
  const digits = createHash('sha256').update(text).digest('hex');
  return PREFIXES[kind] + (kind === 'uuidCompletion' ? toUuid(digits) : digits.slice(0, 2 * BYTES));
}

/** A UUID of version 4 with these digits, but for those that say so. */
function toUuid(digits: string): string {
  const parts = [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(12, 15)}`, `8${digits.slice(15, 18)}`];
  return [...parts, digits.slice(18, 30)].join('-');
}

/** What an account is known by: the hash of its key. */
export function accountOf(key: string): string {
  return sha256(key);
}

/** The organisation and key that the live API's texts name; ids of ours, which do not give the account away. */
export function holderOf(account: string): string {
  const digest = sha256(account);
  return `org-${digest.slice(0, 24)}<ak-${digest.slice(24, 44)}>`;
}

/** Headers that name the caller, as every answer of the live API has them; their form is not known but for the organisation's. */
export function identityHeaders(account: string): Record<string, string> {
  const digest = sha256(account);
  return {
    'Msh-Uid': digest.slice(44, 64),
    'Msh-Gid': `org-${digest.slice(0, 24)}`,
    'Msh-Org-Id': `org-${digest.slice(0, 24)}`,
    'Msh-Project-Id': `proj-${digest.slice(24, 48)}`,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
