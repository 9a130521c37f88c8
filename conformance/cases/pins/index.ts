import type { Case } from '../../core/case.ts';

export const PINS_CASES: readonly Case[] = [];
