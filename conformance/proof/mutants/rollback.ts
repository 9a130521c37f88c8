import type { Mutant } from '../mutant.ts';

export const ROLLBACK_MUTANTS: readonly Mutant[] = [];
