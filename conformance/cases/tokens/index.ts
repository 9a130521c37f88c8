import type { Case } from '../../core/case.ts';

export const TOKENS_CASES: readonly Case[] = [];
