import {
  findToken,
  isYielded,
  LOWEST_AS_LEFT,
  LOWEST_AS_RIGHT,
  MAX_TOKENS,
  MERGE_LEFT,
  MERGE_RIGHT,
  MERGE_STRIDE,
  NO_PAIR,
  NO_TOKEN,
  pairHash,
  staysApart,
  TRIE_BASE_SHIFT,
  TRIE_EMPTY,
  TRIE_ROOT,
  TRIE_TOKEN,
  type Vocabulary,
} from './vocabulary.ts';

/** A node's children stand in one block: their places differ in the byte only. */
const BLOCK = 256;
/** Only so many of the newest blocks are searched for room; what is still free in older ones stays empty. */
const OPEN_BLOCKS = 16;
/** More than twice what the known vocabularies take. */
const MAX_SLOTS = 2 ** 20;

/** The growing double array: which slots and bases are taken, and a ring of the free slots of the open blocks. */
class TrieSlots {
  #words = new Int32Array(MAX_SLOTS);
  #baseTaken = new Uint8Array(MAX_SLOTS);
  #next = new Int32Array(MAX_SLOTS);
  #previous = new Int32Array(MAX_SLOTS);
  #head = -1;
  #size = 0;

  constructor() {
    this.#addBlock();
    this.#occupy(TRIE_ROOT, TRIE_EMPTY);
    // Nodes without children have base 0, which must therefore be nobody's.
    this.#baseTaken[0] = 1;
  }

  /** Gives `node` children with these labels and returns its base. */
  place(node: number, labels: readonly number[]): number {
    const base = this.#findBase(labels);
    this.#baseTaken[base] = 1;
    this.#words[node] = (base << TRIE_BASE_SHIFT) | ((this.#words[node] as number) & ((1 << TRIE_BASE_SHIFT) - 1));
    for (const label of labels) this.#occupy(base ^ label, label);
    return base;
  }

  finish(): Int32Array {
    return this.#words.slice(0, this.#size);
  }

  #findBase(labels: readonly number[]): number {
    const first = labels[0] as number;
    if (this.#head !== -1) {
      let slot = this.#head;
      do {
        const base = slot ^ first;
        if (this.#baseTaken[base] === 0 && labels.every((label) => this.#isFree(base ^ label))) return base;
        slot = this.#next[slot] as number;
      } while (slot !== this.#head);
    }
    const base = this.#size ^ first;
    this.#addBlock();
    return base;
  }

  #isFree(slot: number): boolean {
    return this.#words[slot] === TRIE_EMPTY && slot !== TRIE_ROOT;
  }

  #occupy(slot: number, label: number): void {
    this.#unlink(slot);
    this.#words[slot] = label;
  }

  #addBlock(): void {
    const closed = this.#size - OPEN_BLOCKS * BLOCK;
    if (closed >= 0) {
      for (let slot = closed; slot < closed + BLOCK; slot++) if (this.#next[slot] !== -1) this.#unlink(slot);
    }
    const from = this.#size;
    if (from === MAX_SLOTS) throw new RangeError('its tokens are too many or too long');
    this.#size += BLOCK;
    this.#words.fill(TRIE_EMPTY, from, this.#size);
    for (let slot = from; slot < this.#size; slot++) this.#link(slot);
  }

  #link(slot: number): void {
    if (this.#head === -1) {
      this.#head = this.#next[slot] = this.#previous[slot] = slot;
      return;
    }
    const last = this.#previous[this.#head] as number;
    this.#next[last] = this.#previous[this.#head] = slot;
    this.#previous[slot] = last;
    this.#next[slot] = this.#head;
  }

  #unlink(slot: number): void {
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    this.#next[slot] = -1;
    if (next === slot) {
      this.#head = -1;
      return;
    }
    this.#next[previous] = next;
    this.#previous[next] = previous;
    if (this.#head === slot) this.#head = next;
  }
}

/** The tokens of a vocabulary: token `i` is `bytes[starts[i], starts[i + 1])`. */
export interface TokenBytes {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
}

/** In tokens looked at; a node's place costs about as much as looking at so many. */
const WORK_PER_YIELD = 10_000;
const WORK_PER_NODE = 20;

/**
 * Builds the double array of `Vocabulary.trie` and `tokenAt`. Child `byte` of a node stands at `base ^ byte`, and no two nodes
 * share a base, so the label alone tells whose child it is. Yields every millisecond or so, to be run in slices.
 * @throws RangeError where a token is empty or stands there twice, or there are far more than in any known vocabulary
 */
function* buildTrie(tokens: TokenBytes): Generator<void, { trie: Int32Array; tokenAt: Int32Array }> {
  const size = tokens.starts.length - 1;
  const slots = new TrieSlots();
  const sorter = new ByteSorter(tokens);
  const tokenAt = new Int32Array(MAX_SLOTS).fill(-1);
  const groups: Group[] = [{ node: TRIE_ROOT, from: 0, to: size, depth: 0 }];
  yield;
  let work = 0;
  for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
    const { node, from, to, depth } = group;
    const labels = sorter.labels(from, to, depth, (token) => {
      if (node === TRIE_ROOT || tokenAt[node] !== -1) throw new RangeError(`token ${token} is empty or not unique`);
      tokenAt[node] = token;
    });
    if (to - from > WORK_PER_YIELD) yield;
    if (labels.length > 0) {
      const base = slots.place(node, labels);
      for (const run of sorter.sort(from, to, depth, labels)) {
        groups.push({ node: base ^ run.byte, from: run.from, to: run.to, depth: depth + 1 });
      }
    }
    work += to - from + WORK_PER_NODE;
    if (work > WORK_PER_YIELD) {
      work = 0;
      yield;
    }
  }
  const trie = slots.finish();
  return { trie, tokenAt: tokenAt.slice(0, trie.length) };
}

/** Tokens that share the bytes on the way to `node`: those at `from` up to `to` in the order so far. */
interface Group {
  readonly node: number;
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** Puts tokens in order by one byte after the other. */
class ByteSorter {
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #order: Int32Array;
  readonly #moved: Int32Array;
  readonly #counts = new Int32Array(256);

  constructor({ bytes, starts }: TokenBytes) {
    this.#bytes = bytes;
    this.#starts = starts;
    this.#order = new Int32Array(starts.length - 1);
    this.#moved = new Int32Array(starts.length - 1);
    for (let token = 0; token < this.#order.length; token++) this.#order[token] = token;
  }

  /** The bytes at `depth` of the tokens at `[from, to)`; those that end there are handed to `onEnd`. */
  labels(from: number, to: number, depth: number, onEnd: (token: number) => void): number[] {
    const counts = this.#counts;
    const labels: number[] = [];
    for (let i = from; i < to; i++) {
      const token = this.#order[i] as number;
      const at = (this.#starts[token] as number) + depth;
      if (at === this.#starts[token + 1]) {
        onEnd(token);
        continue;
      }
      const byte = this.#bytes[at] as number;
      if (counts[byte] === 0) labels.push(byte);
      counts[byte] = (counts[byte] as number) + 1;
    }
    return labels;
  }

  /** Orders the same tokens by those bytes, drops those that end, and returns the run of each byte. */
  sort(
    from: number,
    to: number,
    depth: number,
    labels: readonly number[],
  ): { byte: number; from: number; to: number }[] {
    const counts = this.#counts;
    let next = from;
    const runs = labels.map((byte) => {
      const run = { byte, from: next, to: next + (counts[byte] as number) };
      counts[byte] = next;
      next = run.to;
      return run;
    });
    for (let i = from; i < to; i++) {
      const token = this.#order[i] as number;
      const at = (this.#starts[token] as number) + depth;
      if (at === this.#starts[token + 1]) continue;
      const byte = this.#bytes[at] as number;
      const place = counts[byte] as number;
      this.#moved[place] = token;
      counts[byte] = place + 1;
    }
    for (let i = from; i < next; i++) this.#order[i] = this.#moved[i] as number;
    for (const byte of labels) counts[byte] = 0;
    return runs;
  }
}

/** Four times what the known vocabularies have. */
const MAX_TOKEN_BYTES = 1_024;
/** Tokens handled between two yields: about a millisecond. */
const TOKENS_PER_YIELD = 1_000;

/**
 * Works out everything in `Vocabulary` from the bare tokens. Yields every millisecond or so, to be run in slices.
 * @throws RangeError that says what keeps these tokens from being a byte-pair vocabulary
 */
export function* buildVocabulary(tokens: TokenBytes): Generator<void, Vocabulary> {
  const size = tokens.starts.length - 1;
  if (size > MAX_TOKENS) throw new RangeError(`it has more than ${MAX_TOKENS} tokens`);
  const { lengths, longest } = measure(tokens);
  const { trie, tokenAt } = yield* buildTrie(tokens);
  const vocabulary = {
    size,
    longest,
    trie,
    tokenAt,
    lengths,
    shorter: new Int32Array(size).fill(-1),
    merges: new Int32Array(size * MERGE_STRIDE),
    pairs: new Uint32Array(2 ** Math.ceil(Math.log2(size * 2 + 2))).fill(NO_PAIR),
  };
  const { merges } = vocabulary;
  for (let at = 0; at < merges.length; at++) merges[at] = at % MERGE_STRIDE < LOWEST_AS_LEFT ? -1 : NO_TOKEN;
  yield;
  for (let byte = 0; byte < 256; byte++) {
    if (findToken(vocabulary, Uint8Array.of(byte), 0, 1) === -1)
      throw new RangeError(`it has no token for byte ${byte}`);
  }
  for (let token = 0; token < size; token++) {
    learnMerge(vocabulary, tokens, token);
    if (token % TOKENS_PER_YIELD === 0) yield;
  }
  for (let token = 0; token < size; token++) {
    learnPrefixes(vocabulary, tokens, token);
    if (token % TOKENS_PER_YIELD === 0) yield;
  }
  return vocabulary;
}

function measure({ starts }: TokenBytes): { lengths: Uint16Array; longest: number } {
  const lengths = new Uint16Array(starts.length - 1);
  let longest = 0;
  for (let token = 0; token < lengths.length; token++) {
    const length = (starts[token + 1] as number) - (starts[token] as number);
    if (length > MAX_TOKEN_BYTES) throw new RangeError(`token ${token} is longer than ${MAX_TOKEN_BYTES} bytes`);
    lengths[token] = length;
    longest = Math.max(longest, length);
  }
  return { lengths, longest };
}

/** Finds the two tokens that are left of `token` just before merging makes it, given all merges of lower rank, if any are. */
function learnMerge(vocabulary: Vocabulary, { bytes, starts }: TokenBytes, token: number): void {
  const { trie, tokenAt } = vocabulary;
  const start = starts[token] as number;
  const end = starts[token + 1] as number;
  let node = TRIE_ROOT;
  for (let at = start; at < end - 1; at++) {
    node = ((trie[node] as number) >>> TRIE_BASE_SHIFT) ^ (bytes[at] as number);
    const left = tokenAt[node] as number;
    if (left === -1 || !isYielded(vocabulary, left)) continue;
    const right = findToken(vocabulary, bytes, at + 1, end);
    if (right === -1 || !isYielded(vocabulary, right) || !staysApart(vocabulary, left, right)) continue;
    addMerge(vocabulary, token, left, right);
    return;
  }
}

function addMerge({ merges, pairs }: Vocabulary, token: number, left: number, right: number): void {
  merges[token * MERGE_STRIDE + MERGE_LEFT] = left;
  merges[token * MERGE_STRIDE + MERGE_RIGHT] = right;
  // Tokens come in the order of their ranks, so the first is the lowest.
  const asLeft = left * MERGE_STRIDE + LOWEST_AS_LEFT;
  const asRight = right * MERGE_STRIDE + LOWEST_AS_RIGHT;
  if (merges[asLeft] === NO_TOKEN) merges[asLeft] = token;
  if (merges[asRight] === NO_TOKEN) merges[asRight] = token;
  const hash = pairHash(left, right);
  const mask = pairs.length - 1;
  let slot = (hash >>> 14) & mask;
  while (pairs[slot] !== NO_PAIR) slot = (slot + 1) & mask;
  pairs[slot] = ((token << 14) | (hash & 0x3fff)) >>> 0;
}

/** Sets `shorter` of the token, and its flag in the trie where merging can yield it. */
function learnPrefixes(vocabulary: Vocabulary, { bytes, starts }: TokenBytes, token: number): void {
  const { trie, tokenAt, shorter } = vocabulary;
  const end = starts[token + 1] as number;
  let node = TRIE_ROOT;
  for (let at = starts[token] as number; at < end; at++) {
    const word = trie[node] as number;
    node = (word >>> TRIE_BASE_SHIFT) ^ (bytes[at] as number);
    const prefix = tokenAt[node] as number;
    if (prefix === -1 || !isYielded(vocabulary, prefix)) continue;
    if (prefix === token) trie[node] = (trie[node] as number) | TRIE_TOKEN;
    else shorter[token] = prefix;
  }
}
