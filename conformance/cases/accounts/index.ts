import type { Case } from '../../core/case.ts';
import { accountsLimit, accountsLists } from './lists.ts';
import { accountsChanges, accountsDelete, accountsNothingTold, accountsRead } from './sessions.ts';
import { accountsRestores, accountsShares, accountsSnapshots } from './snapshots.ts';

export const ACCOUNTS_CASES: readonly Case[] = [
  accountsRead,
  ...accountsChanges,
  accountsDelete,
  accountsNothingTold,
  accountsSnapshots,
  accountsShares,
  accountsRestores,
  accountsLists,
  accountsLimit,
];
