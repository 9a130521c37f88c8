import type { Case } from '../../core/case.ts';

export const BALANCE_CASES: readonly Case[] = [];
