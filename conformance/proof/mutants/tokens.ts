import type { Mutant } from '../mutant.ts';

export const TOKENS_MUTANTS: readonly Mutant[] = [];
