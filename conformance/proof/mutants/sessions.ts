import type { Mutant } from '../mutant.ts';
import { CHANGE_MUTANTS } from './sessions/changes.ts';
import { CREATION_MUTANTS } from './sessions/creation.ts';
import { GONE_MUTANTS } from './sessions/gone.ts';
import { SLOT_MUTANTS } from './sessions/slots.ts';

export const SESSIONS_MUTANTS: readonly Mutant[] = [
  ...CREATION_MUTANTS,
  ...CHANGE_MUTANTS,
  ...SLOT_MUTANTS,
  ...GONE_MUTANTS,
];
