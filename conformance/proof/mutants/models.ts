import type { Mutant } from '../mutant.ts';

export const MODELS_MUTANTS: readonly Mutant[] = [];
