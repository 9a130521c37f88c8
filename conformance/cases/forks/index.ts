import type { Case } from '../../core/case.ts';

export const FORKS_CASES: readonly Case[] = [];
