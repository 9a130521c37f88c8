import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeAtomically } from '../files.ts';
import type { SplitDialect } from './splitter.ts';
import type { Vocabulary } from './vocabulary.ts';
import type { TokenBytes } from './vocabulary-build.ts';

/** How the file of a vocabulary is read and how its text is split. */
export interface VocabularyKind {
  readonly name: string;
  readonly dialect: SplitDialect;
  /** Number of ranks in the published file. */
  readonly ranks: number;
  /** Reads the published file. @throws RangeError that says what is wrong with it */
  readonly parse: (file: Buffer) => Generator<void, TokenBytes>;
}

/** Moonshot's vocabulary of Kimi K2, MIT licence; the file is `tiktoken.model` of any of its K2 releases. */
export const KIMI_K2 = {
  name: 'kimi-k2',
  dialect: { hanApart: true, trailingSlash: false, parted: true },
  ranks: 163_584,
  parse: parseRankLines,
  sha256: 'b6c497a7469b33ced9c38afb1ad6e47f03f5e5dc05f15930799210ec050c5103',
} as const satisfies VocabularyKind & { sha256: string };

/** OpenAI's vocabulary, as the `tiktoken` package carries it: close to Kimi's, and always at hand. */
export const O200K_BASE = {
  name: 'o200k_base',
  dialect: { hanApart: false, trailingSlash: true, parted: false },
  ranks: 199_998,
  parse: function* (file: Buffer): Generator<void, TokenBytes> {
    const { bpe_ranks } = JSON.parse(file.toString()) as { bpe_ranks?: unknown };
    yield;
    if (typeof bpe_ranks !== 'string') throw new RangeError('it has no bpe_ranks');
    return yield* parsePackedRanks(bpe_ranks);
  },
} as const satisfies VocabularyKind;

const SPACE = 0x20;
const LINE_FEED = 0x0a;
const PADDING = 0x3d;
const NO_DIGIT = 0xff;

/**
 * Reads the lines `BASE64 RANK` of a `tiktoken` file, whose ranks count up from 0. Yields now and then, to be run in slices.
 * @throws RangeError that names the first bad line
 */
export function* parseRankLines(file: Buffer): Generator<void, TokenBytes> {
  const tokens = new TokenList(file.length);
  for (let at = 0; at < file.length; ) {
    const lineEnd = indexOrEnd(file, LINE_FEED, at);
    const gap = indexOrEnd(file, SPACE, at);
    const rank = tokens.size;
    const written = file.toString('latin1', gap + 1, lineEnd);
    if (written.trimEnd() !== String(rank) || !tokens.add(file, at, gap)) {
      throw new RangeError(`line ${rank + 1} is not a token in base64 followed by the rank ${rank}`);
    }
    at = lineEnd + 1;
    if (rank % 1_000 === 0) yield;
  }
  return tokens.finish();
}

/**
 * Reads ranks as the `tiktoken` package writes them: lines `! RANK_OF_THE_FIRST BASE64 BASE64 …`. Yields now and then.
 * @throws RangeError where they are anything else
 */
export function* parsePackedRanks(packed: string): Generator<void, TokenBytes> {
  const file = Buffer.from(packed, 'latin1');
  const tokens = new TokenList(file.length);
  for (let at = 0; at < file.length; ) {
    const lineEnd = indexOrEnd(file, LINE_FEED, at);
    const head = `! ${tokens.size} `;
    if (file.toString('latin1', at, at + head.length) !== head) throw new RangeError('its ranks are in no known form');
    for (at += head.length; at < lineEnd; ) {
      const stop = Math.min(lineEnd, indexOrEnd(file, SPACE, at));
      if (!tokens.add(file, at, stop)) throw new RangeError(`token ${tokens.size} is not base64`);
      at = stop + 1;
      if (tokens.size % 1_000 === 0) yield;
    }
    at = lineEnd + 1;
  }
  return tokens.finish();
}

/** Tokens one after the other in one array of bytes. */
class TokenList {
  readonly #bytes: Uint8Array;
  readonly #starts: number[] = [0];
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get size(): number {
    return this.#starts.length - 1;
  }

  /** Appends the token written as `file[from, to)`; false where that is not base64 of at least one byte. */
  add(file: Uint8Array, from: number, to: number): boolean {
    if (from >= to || (to - from) % 4 !== 0) return false;
    const padding = file[to - 2] === PADDING ? 2 : file[to - 1] === PADDING ? 1 : 0;
    let bits = 0;
    let held = 0;
    for (let at = from; at < to - padding; at++) {
      const digit = BASE64[file[at] as number] as number;
      if (digit === NO_DIGIT) return false;
      bits = ((bits << 6) | digit) & 0xffff;
      held += 6;
      if (held < 8) continue;
      held -= 8;
      this.#bytes[this.#length++] = bits >>> held;
    }
    this.#starts.push(this.#length);
    return true;
  }

  finish(): TokenBytes {
    return { bytes: this.#bytes.slice(0, this.#length), starts: Uint32Array.from(this.#starts) };
  }
}

const BASE64 = new Uint8Array(256).fill(NO_DIGIT);
for (const [value, digit] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
).entries()) {
  BASE64[digit] = value;
}

function indexOrEnd(file: Uint8Array, byte: number, from: number): number {
  const at = file.indexOf(byte, from);
  return at === -1 ? file.length : at;
}

/** Part of the file's name. Step it whenever what `buildVocabulary` makes, or how it lies in the file, changes. */
const FORMAT = 1;
/** In the machine's own byte order, which the arrays have too. */
const MAGIC = 0x6b656d76;
const DIGEST_BYTES = 32;
/** MAGIC, size, longest, and the number of elements of each array. */
const HEADER_NUMBERS = 9;

/**
 * The parsed form of a vocabulary file, kept so that it need not be parsed again. It begins with the SHA-256 of `key` and all that
 * follows, so a damaged, truncated, outdated or foreign one is never used.
 * @param key SHA-256 of the vocabulary file it was made from
 */
export function readCachedVocabulary(file: Buffer, key: string): Vocabulary | undefined {
  const start = DIGEST_BYTES + HEADER_NUMBERS * 4;
  if (file.length < start || file.byteOffset % 4 !== 0) return undefined;
  if (!digest(key, [file.subarray(DIGEST_BYTES)]).equals(file.subarray(0, DIGEST_BYTES))) return undefined;
  const [magic, size = 0, longest = 0, ...counts] = new Uint32Array(
    file.buffer,
    file.byteOffset + DIGEST_BYTES,
    HEADER_NUMBERS,
  );
  if (magic !== MAGIC) return undefined;
  let at = file.byteOffset + start;
  const next = (bytes: number): [ArrayBufferLike, number] => {
    at += bytes;
    return [file.buffer, at - bytes];
  };
  const [trie = 0, tokenAt = 0, shorter = 0, merges = 0, pairs = 0, lengths = 0] = counts;
  return {
    size,
    longest,
    trie: new Int32Array(...next(trie * 4), trie),
    tokenAt: new Int32Array(...next(tokenAt * 4), tokenAt),
    shorter: new Int32Array(...next(shorter * 4), shorter),
    merges: new Int32Array(...next(merges * 4), merges),
    pairs: new Uint32Array(...next(pairs * 4), pairs),
    lengths: new Uint16Array(...next(lengths * 2), lengths),
  };
}

/** Caches a vocabulary for `readCachedVocabulary`; if the file cannot be written, does nothing. */
export async function writeCachedVocabulary(path: string, key: string, vocabulary: Vocabulary): Promise<void> {
  const { trie, tokenAt, shorter, merges, pairs, lengths } = vocabulary;
  // Four-byte elements first, so that each array begins where its elements may.
  const arrays = [trie, tokenAt, shorter, merges, pairs, lengths];
  const header = Uint32Array.of(MAGIC, vocabulary.size, vocabulary.longest, ...arrays.map((array) => array.length));
  const content = [header, ...arrays].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  try {
    await writeAtomically(path, [digest(key, content), ...content]);
  } catch {
    // A cache that cannot be written costs a second at the next start, nothing else.
  }
}

/** Where the parsed form of the vocabulary of that name is kept. */
export function cachedVocabularyPath(folder: string, name: string): string {
  return join(folder, `${name}-${FORMAT}.bin`);
}

function digest(key: string, parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(key);
  for (const part of parts) hash.update(part);
  return hash.digest();
}
