import type { Case } from '../../core/case.ts';
import { truncateAnswer } from './answer.ts';
import { truncateGroupCut, truncateLeastNamed } from './group-cut.ts';
import { truncateGroups } from './groups.ts';
import { truncateLaws } from './laws.ts';
import { truncateLongestRun } from './longest-run.ts';
import { truncateMemory, truncateSummary } from './memory.ts';
import { truncateMinimum } from './minimum.ts';
import { truncateTextCut } from './text-cut.ts';

export const TRUNCATE_CASES: readonly Case[] = [
  truncateMinimum,
  truncateLongestRun,
  truncateGroups,
  truncateAnswer,
  truncateTextCut,
  truncateGroupCut,
  truncateLeastNamed,
  truncateLaws,
  truncateSummary,
  truncateMemory,
];
