import { runInSlices, sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import { characterFlags, mayBeParted, partEnds, type SplitDialect, Splitter } from './splitter.ts';
import { TextCutter } from './text-cutter.ts';
import type { Tokenizer } from './tokenizer.ts';
import { findToken, Neighbours, PairMerge, type Vocabulary } from './vocabulary.ts';

/** Ten Han characters, a clause at most; longer pieces seldom come again. */
const MAX_BYTES = 32;
/** A power of two; all of it takes some 1.1 MB. */
const PLACES = 32_768;

/**
 * Remembers the counts of short pieces that are not a token by themselves: names and rare words, which come again and again. Of pieces
 * that share a place the last one stays.
 */
export class PieceMemo {
  readonly #bytes = new Uint8Array(PLACES * MAX_BYTES);
  readonly #lengths = new Uint8Array(PLACES);
  readonly #counts = new Uint8Array(PLACES);

  /** The place of a piece, to be looked up and remembered at; -1 for pieces too long to be remembered. */
  placeOf(bytes: Uint8Array, start: number, end: number): number {
    if (end - start > MAX_BYTES) return -1;
    let hash = 0;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
    return (hash ^ (hash >>> 15)) & (PLACES - 1);
  }

  /** The count remembered there, if it is of this very piece, or else 0. */
  countAt(place: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#lengths[place] !== end - start) return 0;
    let own = place * MAX_BYTES;
    for (let at = start; at < end; at++) if (this.#bytes[own++] !== bytes[at]) return 0;
    return this.#counts[place] as number;
  }

  remember(place: number, bytes: Uint8Array, start: number, end: number, count: number): void {
    this.#lengths[place] = end - start;
    this.#counts[place] = count;
    let own = place * MAX_BYTES;
    for (let at = start; at < end; at++) this.#bytes[own++] = bytes[at] as number;
  }
}

/** Texts of up to so many UTF-16 units are counted in one go, in a buffer that all of them share. */
const SMALL_UNITS = 16_384;
/** Bytes (of many pieces) or steps (within one) between two looks at the clock; well under a millisecond each. */
const BYTES_PER_CHECK = 16_384;
const STEPS_PER_CHECK = 2_048;
const WHOLE = Number.POSITIVE_INFINITY;

interface TokenizerIdentity {
  readonly name: string;
  readonly exact: boolean;
  readonly dialect: SplitDialect;
}

/** Byte-pair encoding: splits text into pieces by a pattern, then merges bytes within each piece by a vocabulary. */
export class BytePairTokenizer implements Tokenizer {
  readonly name: string;
  readonly exact: boolean;
  readonly #vocabulary: Vocabulary;
  readonly #flags: Uint8Array;
  readonly #splitter: Splitter;
  readonly #parted: boolean;
  readonly #neighbours: Neighbours;
  readonly #merge: PairMerge;
  readonly #memo = new PieceMemo();
  readonly #scratch = Buffer.allocUnsafeSlow(SMALL_UNITS * 3);

  constructor(vocabulary: Vocabulary, { name, exact, dialect }: TokenizerIdentity) {
    this.name = name;
    this.exact = exact;
    this.#vocabulary = vocabulary;
    this.#flags = characterFlags(dialect);
    this.#splitter = new Splitter(this.#flags);
    this.#parted = dialect.parted;
    this.#neighbours = new Neighbours(vocabulary);
    this.#merge = new PairMerge(vocabulary, this.#neighbours);
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    for (const bytes of this.#parts(Buffer.from(text))) this.#encodePart(bytes, ids);
    return ids;
  }

  #encodePart(bytes: Uint8Array, ids: number[]): void {
    for (let at = 0; at < bytes.length; ) {
      const stop = this.#splitter.pieceEnd(bytes, at, bytes.length);
      const token = findToken(this.#vocabulary, bytes, at, stop);
      if (token !== -1) ids.push(token);
      else {
        this.#merge.begin(bytes, at, stop);
        this.#merge.advance(WHOLE);
        this.#merge.appendTo(ids);
      }
      at = stop;
    }
  }

  count(text: string): number {
    if (text.length <= SMALL_UNITS) return this.#countBytes(this.#scratch, this.#scratch.write(text));
    let count = 0;
    for (const part of this.#parts(Buffer.from(text))) count += this.#countBytes(part, part.length);
    return count;
  }

  async countSliced(text: string): Promise<number> {
    if (sliceIsOver()) await yieldToEventLoop();
    if (text.length <= SMALL_UNITS) return this.count(text);
    return runInSlices(this.#countParts(Buffer.from(text)));
  }

  async prefixWithin(text: string, maxTokens: number): Promise<string> {
    if (sliceIsOver()) await yieldToEventLoop();
    const bytes = Buffer.from(text.slice(0, this.#mostUnits(maxTokens)));
    const end = await runInSlices(this.#prefixEnd(bytes, maxTokens));
    return text.slice(0, utf16Length(bytes, 0, end));
  }

  async suffixWithin(text: string, maxTokens: number): Promise<string> {
    if (sliceIsOver()) await yieldToEventLoop();
    const bytes = Buffer.from(text.slice(Math.max(0, text.length - this.#mostUnits(maxTokens))));
    const start = await runInSlices(this.#suffixStart(bytes, maxTokens));
    return text.slice(text.length - utf16Length(bytes, start, bytes.length));
  }

  *#prefixEnd(bytes: Uint8Array, maxTokens: number): Generator<void, number> {
    let end = 0;
    let budget = maxTokens;
    for (const part of this.#parts(bytes)) {
      const found = yield* this.#cutter(part).prefixEnd(budget);
      end += found;
      if (found < part.length || end === bytes.length) break;
      budget -= yield* this.#countInSlices(part, 0, part.length);
    }
    return end;
  }

  /** The parts of a suffix begin where it does, so that it may count more or less than its share of the whole. */
  *#suffixStart(bytes: Uint8Array, maxTokens: number): Generator<void, number> {
    for (let budget = maxTokens; ; budget--) {
      const start = yield* this.#cutter(bytes).suffixStart(budget);
      const suffix = bytes.subarray(start);
      const [first] = this.#parts(suffix);
      if (first?.length === suffix.length || (yield* this.#countParts(suffix)) <= maxTokens) return start;
    }
  }

  /** What is encoded by itself, in order. */
  *#parts(bytes: Uint8Array): Generator<Uint8Array, void> {
    if (!this.#parted || !mayBeParted(bytes.length)) return yield bytes;
    let start = 0;
    for (const end of partEnds(bytes, this.#flags)) {
      yield bytes.subarray(start, end);
      start = end;
    }
  }

  /** No text of more UTF-16 units is within so many tokens. */
  #mostUnits(maxTokens: number): number {
    return Math.max(0, maxTokens * this.#vocabulary.longest);
  }

  #cutter(bytes: Uint8Array): TextCutter {
    const text = { vocabulary: this.#vocabulary, neighbours: this.#neighbours, splitter: this.#splitter, bytes };
    return new TextCutter(text, (...stretch) => this.#countInSlices(...stretch));
  }

  #countBytes(bytes: Uint8Array, end: number): number {
    let count = 0;
    for (let at = 0; at < end; ) {
      const stop = this.#splitter.pieceEnd(bytes, at, end);
      count += this.#countPiece(bytes, at, stop);
      at = stop;
    }
    return count;
  }

  #countPiece(bytes: Uint8Array, start: number, end: number): number {
    if (findToken(this.#vocabulary, bytes, start, end) !== -1) return 1;
    const place = this.#memo.placeOf(bytes, start, end);
    if (place === -1) return this.#mergePiece(bytes, start, end);
    const known = this.#memo.countAt(place, bytes, start, end);
    if (known !== 0) return known;
    const count = this.#mergePiece(bytes, start, end);
    this.#memo.remember(place, bytes, start, end, count);
    return count;
  }

  #mergePiece(bytes: Uint8Array, start: number, end: number): number {
    this.#merge.begin(bytes, start, end);
    this.#merge.advance(WHOLE);
    return this.#merge.count;
  }

  *#countParts(bytes: Uint8Array): Generator<void, number> {
    let count = 0;
    for (const part of this.#parts(bytes)) count += yield* this.#countInSlices(part, 0, part.length);
    return count;
  }

  *#countInSlices(bytes: Uint8Array, start: number, end: number): Generator<void, number> {
    let count = 0;
    for (let at = start; at < end; ) {
      yield;
      for (const look = at + BYTES_PER_CHECK; at < look && at < end; ) {
        const stop = this.#splitter.pieceEnd(bytes, at, bytes.length);
        if (stop - at > BYTES_PER_CHECK) count += yield* this.#mergeInSlices(bytes, at, stop);
        else count += this.#countPiece(bytes, at, stop);
        at = stop;
      }
    }
    return count;
  }

  *#mergeInSlices(bytes: Uint8Array, start: number, end: number): Generator<void, number> {
    // Its own, because others count while this one waits.
    const merge = new PairMerge(this.#vocabulary, this.#neighbours);
    merge.begin(bytes, start, end);
    do yield;
    while (!merge.advance(STEPS_PER_CHECK));
    return merge.count;
  }
}

/** The UTF-16 units of the characters in `bytes[start, end)`. */
function utf16Length(bytes: Uint8Array, start: number, end: number): number {
  let units = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if ((byte & 0xc0) !== 0x80) units += byte < 0xf0 ? 1 : 2;
  }
  return units;
}
