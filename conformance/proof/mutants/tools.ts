import type { Mutant } from '../mutant.ts';

export const TOOLS_MUTANTS: readonly Mutant[] = [];
