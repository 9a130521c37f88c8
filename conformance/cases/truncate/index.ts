import type { Case } from '../../core/case.ts';
import { truncateMinimum } from './minimum.ts';

export const TRUNCATE_CASES: readonly Case[] = [truncateMinimum];
