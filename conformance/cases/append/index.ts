import type { Case } from '../../core/case.ts';

export const APPEND_CASES: readonly Case[] = [];
