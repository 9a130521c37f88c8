import type { Case } from '../../core/case.ts';

export const VERSIONS_CASES: readonly Case[] = [];
