import type { Case } from '../../core/case.ts';

export const SHARES_CASES: readonly Case[] = [];
