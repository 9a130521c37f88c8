import type { Mutant } from '../mutant.ts';

export const SNAPSHOTS_MUTANTS: readonly Mutant[] = [];
