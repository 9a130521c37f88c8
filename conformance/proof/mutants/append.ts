import type { Mutant } from '../mutant.ts';

export const APPEND_MUTANTS: readonly Mutant[] = [];
