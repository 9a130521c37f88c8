import type { Case } from '../../core/case.ts';

export const TOOLS_CASES: readonly Case[] = [];
