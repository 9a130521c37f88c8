import type { Case } from '../../core/case.ts';

export const COMPRESS_CASES: readonly Case[] = [];
