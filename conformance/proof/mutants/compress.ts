import type { Mutant } from '../mutant.ts';

export const COMPRESS_MUTANTS: readonly Mutant[] = [];
