/** Ten Han characters, a clause at most; longer pieces seldom come again. */
const MAX_BYTES = 32;
/** A power of two; all of it takes some 1.1 MB. */
const PLACES = 32_768;

/**
 * Remembers the counts of short pieces that are no token by themselves: names and rare words, which come again and again. Of pieces
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
