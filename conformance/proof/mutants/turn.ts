import type { Mutant } from '../mutant.ts';

export const TURN_MUTANTS: readonly Mutant[] = [];
