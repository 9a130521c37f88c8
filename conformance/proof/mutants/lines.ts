import type { Mutant } from '../mutant.ts';

export const LINES_MUTANTS: readonly Mutant[] = [];
