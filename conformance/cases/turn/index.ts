import type { Case } from '../../core/case.ts';
import { turnAccounting } from './accounting.ts';
import { turnHistory, turnIsolation } from './history.ts';
import { turnLimit, turnNoMessages, turnPairing } from './new-messages.ts';
import { turnBusy, turnConcurrent, turnDisconnect, turnSnapshotMeanwhile } from './races.ts';
import { turnChoices, turnCut, turnEmptyAnswer, turnPartial } from './replies.ts';
import { turnStream } from './stream.ts';
import { turnCallIdsKept, turnToolCalls, turnTools } from './tools.ts';
import { turnUnknownSession } from './unknown-session.ts';
import { turnWindow } from './window.ts';

export const TURN_CASES: readonly Case[] = [
  turnAccounting,
  turnStream,
  turnHistory,
  turnIsolation,
  turnLimit,
  turnNoMessages,
  turnPairing,
  turnTools,
  turnToolCalls,
  turnCallIdsKept,
  turnChoices,
  turnPartial,
  turnEmptyAnswer,
  turnCut,
  turnUnknownSession,
  turnConcurrent,
  turnBusy,
  turnSnapshotMeanwhile,
  turnDisconnect,
  turnWindow,
];
