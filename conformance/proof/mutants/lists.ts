import type { Mutant } from '../mutant.ts';

export const LISTS_MUTANTS: readonly Mutant[] = [];
