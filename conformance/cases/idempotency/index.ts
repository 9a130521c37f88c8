import type { Case } from '../../core/case.ts';
import { idempotencyChanges, idempotencyCreate, idempotencyDelete, idempotencySnapshot } from './changes.ts';
import { idempotencyAccounts, idempotencyKeys, idempotencyMismatch } from './keys.ts';
import { idempotencyBusy, idempotencyRace, idempotencyState } from './state.ts';
import { idempotencyStream } from './stream.ts';

export const IDEMPOTENCY_CASES: readonly Case[] = [
  idempotencyCreate,
  ...idempotencyChanges,
  idempotencySnapshot,
  idempotencyDelete,
  idempotencyStream,
  idempotencyMismatch,
  idempotencyKeys,
  idempotencyAccounts,
  idempotencyState,
  idempotencyBusy,
  idempotencyRace,
];
