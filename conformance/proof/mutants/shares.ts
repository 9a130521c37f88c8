import type { Mutant } from '../mutant.ts';

export const SHARES_MUTANTS: readonly Mutant[] = [];
