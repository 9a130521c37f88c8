import type { Case } from '../../core/case.ts';

export const LINES_CASES: readonly Case[] = [];
