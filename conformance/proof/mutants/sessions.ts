import type { Mutant } from '../mutant.ts';

export const SESSIONS_MUTANTS: readonly Mutant[] = [];
