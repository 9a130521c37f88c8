import type { Mutant } from '../mutant.ts';
import { TOLD_MUTANTS } from './accounts/told.ts';
import { TRESPASS_MUTANTS } from './accounts/trespass.ts';

export const ACCOUNTS_MUTANTS: readonly Mutant[] = [...TRESPASS_MUTANTS, ...TOLD_MUTANTS];
