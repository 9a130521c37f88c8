import type { Case } from '../../core/case.ts';

export const TURN_CASES: readonly Case[] = [];
