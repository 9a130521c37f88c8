import type { Case } from '../../core/case.ts';
import { sharesEnds, sharesExpiry } from './ends.ts';
import { sharesForks } from './forks.ts';
import { sharesPreview } from './preview.ts';
import { sharesReadOnly } from './read-only.ts';
import { sharesSharing } from './sharing.ts';

export const SHARES_CASES: readonly Case[] = [
  sharesSharing,
  sharesPreview,
  sharesForks,
  sharesReadOnly,
  sharesEnds,
  sharesExpiry,
];
