import type { Tokenizer } from './tokenizer.ts';

/**
 * What stands in a prompt: text, or markers of one token each. Every text is encoded by itself, because markers part it from
 * its neighbours; text that a user writes never becomes a marker.
 */
export type Piece = string | Markers;

interface Markers {
  readonly marker: string;
  readonly times: number;
}

/** Texts up to this length are counted at once: waiting for a slice takes longer. */
const SHORT = 1_024;

export function marker(text: string, times = 1): Markers {
  return { marker: text, times };
}

/** Tokens of pieces; runs to the end without a pause. */
export function countPieces(tokenizer: Tokenizer, pieces: readonly Piece[]): number {
  let sum = 0;
  for (const piece of pieces) sum += typeof piece === 'string' ? tokenizer.count(piece) : piece.times;
  return sum;
}

/** The same, giving way to the event loop. */
export async function countPiecesSliced(tokenizer: Tokenizer, pieces: readonly Piece[]): Promise<number> {
  let sum = 0;
  for (const piece of pieces) {
    if (typeof piece !== 'string') sum += piece.times;
    else sum += piece.length <= SHORT ? tokenizer.count(piece) : await tokenizer.countSliced(piece);
  }
  return sum;
}

/** The prompt for people to read. Text that looks like a marker cannot be told from one in it. */
export function toText(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.marker.repeat(piece.times))).join('');
}
