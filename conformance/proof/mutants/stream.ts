import type { Mutant } from '../mutant.ts';

export const STREAM_MUTANTS: readonly Mutant[] = [];
