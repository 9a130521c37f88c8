import type { Mutant } from '../mutant.ts';
import { LINE_FAULT_MUTANTS } from './lines/faults.ts';
import { LINE_RESEND_MUTANTS } from './lines/resend.ts';
import { LINE_WRITE_MUTANTS } from './lines/writes.ts';

export const LINES_MUTANTS: readonly Mutant[] = [...LINE_WRITE_MUTANTS, ...LINE_FAULT_MUTANTS, ...LINE_RESEND_MUTANTS];
