import type { Mutant } from '../mutant.ts';
import { FRAME_MUTANTS } from './stream/frames.ts';
import { PIECE_MUTANTS } from './stream/pieces.ts';

export const STREAM_MUTANTS: readonly Mutant[] = [...FRAME_MUTANTS, ...PIECE_MUTANTS];
