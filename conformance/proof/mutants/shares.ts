import type { Mutant } from '../mutant.ts';
import { SHARE_END_MUTANTS } from './shares/ends.ts';
import { SHARE_FORK_MUTANTS } from './shares/forks.ts';
import { SHARE_PREVIEW_MUTANTS } from './shares/previews.ts';
import { SHARE_SHARING_MUTANTS } from './shares/sharing.ts';
import { SHARE_WRITE_MUTANTS } from './shares/writes.ts';

export const SHARES_MUTANTS: readonly Mutant[] = [
  ...SHARE_SHARING_MUTANTS,
  ...SHARE_PREVIEW_MUTANTS,
  ...SHARE_FORK_MUTANTS,
  ...SHARE_WRITE_MUTANTS,
  ...SHARE_END_MUTANTS,
];
