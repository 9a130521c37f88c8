import type { Case } from '../../core/case.ts';

export const SNAPSHOTS_CASES: readonly Case[] = [];
