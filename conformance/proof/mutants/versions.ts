import type { Mutant } from '../mutant.ts';
import { MATCH_MUTANTS } from './versions/match.ts';
import { ORDER_MUTANTS } from './versions/order.ts';
import { REFUSAL_MUTANTS } from './versions/refusals.ts';
import { STEP_MUTANTS } from './versions/steps.ts';

export const VERSIONS_MUTANTS: readonly Mutant[] = [
  ...MATCH_MUTANTS,
  ...STEP_MUTANTS,
  ...ORDER_MUTANTS,
  ...REFUSAL_MUTANTS,
];
