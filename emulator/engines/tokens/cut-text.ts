import type { Neighbours } from './neighbours.ts';
import type { Splitter } from './splitter.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A text to be cut, in UTF-8, and what tells its tokens. */
export interface CutText {
  readonly vocabulary: Vocabulary;
  readonly neighbours: Neighbours;
  readonly splitter: Splitter;
  readonly bytes: Uint8Array;
}
