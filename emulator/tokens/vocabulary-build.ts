import {
  findToken,
  MAX_TOKENS,
  NO_PAIR,
  pairHash,
  staysApart,
  TRIE_BASE_SHIFT,
  TRIE_ROOT,
  TRIE_TOKEN,
  type Vocabulary,
} from './vocabulary.ts';
import { buildTrie, type TokenBytes } from './vocabulary-trie.ts';

/**
 * Works out everything in `Vocabulary` from the bare tokens. Yields now and then so that it can be run in slices.
 * @throws RangeError that says what keeps these tokens from being a byte-pair vocabulary
 */
export function* buildVocabulary(tokens: TokenBytes): Generator<void, Vocabulary> {
  const { bytes, starts } = tokens;
  const size = starts.length - 1;
  if (size > MAX_TOKENS) throw new RangeError(`it has more than ${MAX_TOKENS} tokens`);
  const { trie, tokenAt } = yield* buildTrie(tokens);
  const lengths = Uint16Array.from({ length: size }, (_, token) => (starts[token + 1] ?? 0) - (starts[token] ?? 0));
  yield;
  const vocabulary = {
    size,
    longest: lengths.reduce((longest, length) => Math.max(longest, length), 0),
    trie,
    tokenAt,
    lengths,
    shorter: new Int32Array(size).fill(-1),
    left: new Int32Array(size).fill(-1),
    right: new Int32Array(size).fill(-1),
    pairs: new Uint32Array(2 ** Math.ceil(Math.log2(size * 2 + 2))).fill(NO_PAIR),
  };
  for (let byte = 0; byte < 256; byte++) {
    if (findToken(vocabulary, Uint8Array.of(byte), 0, 1) === -1)
      throw new RangeError(`it has no token for byte ${byte}`);
  }
  for (let token = 0; token < size; token++) {
    const start = starts[token] as number;
    const end = starts[token + 1] as number;
    if (end - start > 1 && findMerge(vocabulary, token, bytes, start, end)) insertPair(vocabulary, token);
    if (token % 2_000 === 0) yield;
  }
  for (let token = 0; token < size; token++) {
    markToken(vocabulary, token, bytes, starts[token] as number, starts[token + 1] as number);
    if (token % 5_000 === 0) yield;
  }
  return vocabulary;
}

/**
 * Finds the two tokens that are left of `token` just before merging makes it, given all merges of lower rank.
 * Returns false where merging never makes it.
 */
function findMerge(vocabulary: Vocabulary, token: number, bytes: Uint8Array, start: number, end: number): boolean {
  const { trie, tokenAt, lengths, left, right } = vocabulary;
  let node = TRIE_ROOT;
  for (let at = start; at < end - 1; at++) {
    node = ((trie[node] as number) >>> TRIE_BASE_SHIFT) ^ (bytes[at] as number);
    const first = tokenAt[node] as number;
    if (first === -1) continue;
    const second = findToken(vocabulary, bytes, at + 1, end);
    if (second === -1) continue;
    const isMade = (part: number) => lengths[part] === 1 || left[part] !== -1;
    if (!isMade(first) || !isMade(second) || !staysApart(vocabulary, first, second)) continue;
    left[token] = first;
    right[token] = second;
    return true;
  }
  return false;
}

function insertPair(vocabulary: Vocabulary, token: number): void {
  const { pairs, left, right } = vocabulary;
  const hash = pairHash(left[token] as number, right[token] as number);
  const mask = pairs.length - 1;
  let slot = (hash >>> 14) & mask;
  while (pairs[slot] !== NO_PAIR) slot = (slot + 1) & mask;
  pairs[slot] = ((token << 14) | (hash & 0x3fff)) >>> 0;
}

/** Sets the token's flag in the trie, if merging can yield it, and `shorter`. */
function markToken(vocabulary: Vocabulary, token: number, bytes: Uint8Array, start: number, end: number): void {
  const { trie, tokenAt, lengths, left, shorter } = vocabulary;
  let node = TRIE_ROOT;
  for (let at = start; at < end; at++) {
    node = ((trie[node] as number) >>> TRIE_BASE_SHIFT) ^ (bytes[at] as number);
    const prefix = tokenAt[node] as number;
    if (prefix === -1) continue;
    const isMade = lengths[prefix] === 1 || left[prefix] !== -1;
    if (prefix !== token && isMade) shorter[token] = prefix;
    if (prefix === token && isMade) trie[node] = (trie[node] as number) | TRIE_TOKEN;
  }
}
