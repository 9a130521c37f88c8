import type { Mutant } from '../mutant.ts';

export const ACCOUNTS_MUTANTS: readonly Mutant[] = [];
