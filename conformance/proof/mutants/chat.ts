import type { Mutant } from '../mutant.ts';

export const CHAT_MUTANTS: readonly Mutant[] = [];
