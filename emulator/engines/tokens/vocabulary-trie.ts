import { MAX_SLOTS, TrieSlots } from './trie-slots.ts';
import { TRIE_ROOT } from './vocabulary.ts';

/** The tokens of a vocabulary: token `i` is `bytes[starts[i], starts[i + 1])`. */
export interface TokenBytes {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
}

/** In tokens looked at; a node's place costs about as much as looking at so many. */
const WORK_A_YIELD = 10_000;
const WORK_OF_A_NODE = 20;

/**
 * Builds the double array of `Vocabulary.trie` and `tokenAt`. Child `byte` of a node stands at `base ^ byte`, and no two nodes
 * share a base, so the label alone tells whose child it is. Yields every millisecond or so, to be run in slices.
 * @throws RangeError where a token is empty or stands there twice, or there are far more than in any known vocabulary
 */
export function* buildTrie(tokens: TokenBytes): Generator<void, { trie: Int32Array; tokenAt: Int32Array }> {
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
    if (to - from > WORK_A_YIELD) yield;
    if (labels.length > 0) {
      const base = slots.place(node, labels);
      for (const run of sorter.sort(from, to, depth, labels)) {
        groups.push({ node: base ^ run.byte, from: run.from, to: run.to, depth: depth + 1 });
      }
    }
    work += to - from + WORK_OF_A_NODE;
    if (work > WORK_A_YIELD) {
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
