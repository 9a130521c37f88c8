import type { Mutant } from '../mutant.ts';

export const PINS_MUTANTS: readonly Mutant[] = [];
