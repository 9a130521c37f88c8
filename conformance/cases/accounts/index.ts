import type { Case } from '../../core/case.ts';

export const ACCOUNTS_CASES: readonly Case[] = [];
