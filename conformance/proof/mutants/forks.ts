import type { Mutant } from '../mutant.ts';
import { FORK_BEGINNING_MUTANTS } from './forks/beginnings.ts';
import { FORK_ISOLATION_MUTANTS } from './forks/isolation.ts';
import { FORK_REQUEST_MUTANTS } from './forks/requests.ts';

export const FORKS_MUTANTS: readonly Mutant[] = [
  ...FORK_BEGINNING_MUTANTS,
  ...FORK_ISOLATION_MUTANTS,
  ...FORK_REQUEST_MUTANTS,
];
