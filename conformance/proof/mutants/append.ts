import type { Mutant } from '../mutant.ts';
import { CONTENT_MUTANTS } from './append/contents.ts';
import { COUNT_MUTANTS } from './append/counts.ts';
import { LIMIT_MUTANTS } from './append/limits.ts';
import { PAIRING_MUTANTS } from './append/pairing.ts';
import { WINDOW_MUTANTS } from './append/window.ts';
import { WRITE_MUTANTS } from './append/writes.ts';

export const APPEND_MUTANTS: readonly Mutant[] = [
  ...WRITE_MUTANTS,
  ...LIMIT_MUTANTS,
  ...WINDOW_MUTANTS,
  ...CONTENT_MUTANTS,
  ...COUNT_MUTANTS,
  ...PAIRING_MUTANTS,
];
