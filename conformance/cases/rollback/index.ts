import type { Case } from '../../core/case.ts';

export const ROLLBACK_CASES: readonly Case[] = [];
