import type { Case } from '../../core/case.ts';

export const MODELS_CASES: readonly Case[] = [];
