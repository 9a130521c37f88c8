import type { Case } from '../../core/case.ts';

export const ERRORS_CASES: readonly Case[] = [];
