import type { Case } from '../../core/case.ts';

export const SESSIONS_CASES: readonly Case[] = [];
