import type { Mutant } from '../mutant.ts';
import { TRUNCATE_ANSWER_MUTANTS } from './truncate/answers.ts';
import { TRUNCATE_BUDGET_MUTANTS } from './truncate/budgets.ts';
import { TRUNCATE_WINDOW_MUTANTS } from './truncate/windows.ts';

export const TRUNCATE_MUTANTS: readonly Mutant[] = [
  ...TRUNCATE_BUDGET_MUTANTS,
  ...TRUNCATE_WINDOW_MUTANTS,
  ...TRUNCATE_ANSWER_MUTANTS,
];
