import type { Case } from '../../core/case.ts';

export const LISTS_CASES: readonly Case[] = [];
