import type { Mutant } from '../mutant.ts';
import { PIN_CHANGE_MUTANTS } from './pins/changes.ts';
import { PIN_WRITING_MUTANTS } from './pins/writing.ts';

export const PINS_MUTANTS: readonly Mutant[] = [...PIN_WRITING_MUTANTS, ...PIN_CHANGE_MUTANTS];
