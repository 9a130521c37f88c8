import type { Mutant } from '../mutant.ts';
import { ACCESS_MUTANTS } from './errors/access.ts';
import { BODY_MUTANTS } from './errors/bodies.ts';
import { ROW_MUTANTS } from './errors/rows.ts';

export const ERRORS_MUTANTS: readonly Mutant[] = [...ACCESS_MUTANTS, ...ROW_MUTANTS, ...BODY_MUTANTS];
