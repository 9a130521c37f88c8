import type { Case } from '../../core/case.ts';

export const CHAT_CASES: readonly Case[] = [];
