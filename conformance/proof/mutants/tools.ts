import type { Mutant } from '../mutant.ts';
import { CALL_MUTANTS } from './tools/calls.ts';
import { REQUEST_MUTANTS } from './tools/requests.ts';

export const TOOLS_MUTANTS: readonly Mutant[] = [...CALL_MUTANTS, ...REQUEST_MUTANTS];
