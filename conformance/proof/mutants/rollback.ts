import type { Mutant } from '../mutant.ts';
import { ROLLBACK_REQUEST_MUTANTS } from './rollback/requests.ts';
import { ROLLBACK_RESTORE_MUTANTS } from './rollback/restores.ts';
import { ROLLBACK_WINDOW_MUTANTS } from './rollback/windows.ts';

export const ROLLBACK_MUTANTS: readonly Mutant[] = [
  ...ROLLBACK_RESTORE_MUTANTS,
  ...ROLLBACK_WINDOW_MUTANTS,
  ...ROLLBACK_REQUEST_MUTANTS,
];
