import type { Case } from '../../core/case.ts';

export const STREAM_CASES: readonly Case[] = [];
