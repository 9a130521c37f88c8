import type { Mutant } from '../mutant.ts';
import { SNAPSHOT_CHANGING_MUTANTS } from './snapshots/changing.ts';
import { SNAPSHOT_LENGTH_MUTANTS } from './snapshots/lengths.ts';
import { SNAPSHOT_LIMIT_MUTANTS } from './snapshots/limits.ts';
import { SNAPSHOT_LISTING_MUTANTS } from './snapshots/listing.ts';
import { SNAPSHOT_LIFE_MUTANTS } from './snapshots/lives.ts';
import { SNAPSHOT_OBJECT_MUTANTS } from './snapshots/objects.ts';

export const SNAPSHOTS_MUTANTS: readonly Mutant[] = [
  ...SNAPSHOT_OBJECT_MUTANTS,
  ...SNAPSHOT_LENGTH_MUTANTS,
  ...SNAPSHOT_LISTING_MUTANTS,
  ...SNAPSHOT_CHANGING_MUTANTS,
  ...SNAPSHOT_LIFE_MUTANTS,
  ...SNAPSHOT_LIMIT_MUTANTS,
];
