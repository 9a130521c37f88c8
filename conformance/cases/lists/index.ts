import type { Case } from '../../core/case.ts';
import {
  listsBelonging,
  listsDefault,
  listsMessages,
  listsSessionSnapshots,
  listsSessions,
  listsSnapshots,
} from './lists.ts';

export const LISTS_CASES: readonly Case[] = [
  listsSessions,
  listsMessages,
  listsSessionSnapshots,
  listsSnapshots,
  listsBelonging,
  listsDefault,
];
