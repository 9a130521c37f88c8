import type { TokenBytes } from './vocabulary-trie.ts';

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
