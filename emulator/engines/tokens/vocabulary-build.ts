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
  TRIE_ROOT,
  TRIE_TOKEN,
  type Vocabulary,
} from './vocabulary.ts';
import { buildTrie, type TokenBytes } from './vocabulary-trie.ts';

/** Four times what the known vocabularies have. */
const MAX_TOKEN_BYTES = 1_024;
/** Tokens handled between two yields: about a millisecond. */
const TOKENS_A_YIELD = 1_000;

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
    if (token % TOKENS_A_YIELD === 0) yield;
  }
  for (let token = 0; token < size; token++) {
    learnHeads(vocabulary, tokens, token);
    if (token % TOKENS_A_YIELD === 0) yield;
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
function learnHeads(vocabulary: Vocabulary, { bytes, starts }: TokenBytes, token: number): void {
  const { trie, tokenAt, shorter } = vocabulary;
  const end = starts[token + 1] as number;
  let node = TRIE_ROOT;
  for (let at = starts[token] as number; at < end; at++) {
    const word = trie[node] as number;
    node = (word >>> TRIE_BASE_SHIFT) ^ (bytes[at] as number);
    const head = tokenAt[node] as number;
    if (head === -1 || !isYielded(vocabulary, head)) continue;
    if (head === token) trie[node] = (trie[node] as number) | TRIE_TOKEN;
    else shorter[token] = head;
  }
}
