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
export type Ids = (kind: IdKind) => string;

const BYTES = 12;
const POOL = BYTES * 256;
const TIME_DIGITS = 12;

/**
 * Ids that cannot be guessed: 96 random bits, 24 hex digits as in the live API's completion ids. A message's begins with
 * the time, so that a table of many is written to at its end; it is reached only through its session.
 */
export function randomIds(): Ids {
  let pool = Buffer.alloc(0);
  let offset = 0;
  return (kind) => {
    if (offset >= pool.length) {
      pool = randomBytes(POOL);
      offset = 0;
    }
    offset += BYTES;
    const id = PREFIXES[kind] + pool.toString('hex', offset - BYTES, offset);
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
export function seededIds(seed: string, run: number): Ids {
  const issued = new Map<IdKind, number>();
  return (kind) => {
    const count = issued.get(kind) ?? 0;
    issued.set(kind, count + 1);
    const digest = createHash('sha256').update(`${seed}\0${run}\0${kind}\0${count}`).digest('hex');
    return PREFIXES[kind] + digest.slice(0, 2 * BYTES);
  };
}
