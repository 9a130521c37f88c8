import type { Mutant } from '../mutant.ts';
import { COMPRESS_RATIO_MUTANTS } from './compress/ratios.ts';
import { COMPRESS_REFUSAL_MUTANTS } from './compress/refusals.ts';
import { COMPRESS_UNDO_MUTANTS } from './compress/undo.ts';
import { COMPRESS_WINDOW_MUTANTS } from './compress/windows.ts';

export const COMPRESS_MUTANTS: readonly Mutant[] = [
  ...COMPRESS_RATIO_MUTANTS,
  ...COMPRESS_WINDOW_MUTANTS,
  ...COMPRESS_UNDO_MUTANTS,
  ...COMPRESS_REFUSAL_MUTANTS,
];
