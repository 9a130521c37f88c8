import type { Case } from '../../core/case.ts';
import { compressBudget } from './budget.ts';
import { compressInfeasible } from './infeasible.ts';
import { compressMemory } from './memory.ts';
import { compressNoOp } from './no-op.ts';
import { compressOpenCall } from './open-call.ts';
import { compressRequest } from './request.ts';
import { compressSnapshotLimit } from './snapshot-limit.ts';
import { compressAbsorbs, compressFormats, compressSummary } from './summary.ts';
import { compressUndo } from './undo.ts';

export const COMPRESS_CASES: readonly Case[] = [
  compressBudget,
  compressRequest,
  compressSummary,
  compressAbsorbs,
  compressFormats,
  compressUndo,
  compressNoOp,
  compressOpenCall,
  compressInfeasible,
  compressMemory,
  compressSnapshotLimit,
];
