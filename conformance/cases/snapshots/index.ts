import type { Case } from '../../core/case.ts';
import { snapshotDuringTurn } from './during-turn.ts';
import { snapshotImmutable } from './immutable.ts';
import { snapshotLimit } from './limit.ts';
import { snapshotHidden, snapshotLists } from './lists.ts';
import { snapshotMessages } from './messages.ts';
import { snapshotDelete, snapshotObject } from './object.ts';
import { snapshotIsTruncate, snapshotPreserveLen } from './preserve-len.ts';

export const SNAPSHOTS_CASES: readonly Case[] = [
  snapshotObject,
  snapshotPreserveLen,
  snapshotIsTruncate,
  snapshotMessages,
  snapshotImmutable,
  snapshotLists,
  snapshotDelete,
  snapshotDuringTurn,
  snapshotHidden,
  snapshotLimit,
];
