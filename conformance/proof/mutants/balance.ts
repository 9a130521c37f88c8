import type { Mutant } from '../mutant.ts';

export const BALANCE_MUTANTS: readonly Mutant[] = [];
