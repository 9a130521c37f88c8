import type { Case } from '../../core/case.ts';

export const IDEMPOTENCY_CASES: readonly Case[] = [];
