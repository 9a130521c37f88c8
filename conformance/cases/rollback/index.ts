import type { Case } from '../../core/case.ts';
import { rollbackForeign, rollbackHidden } from './foreign.ts';
import { rollbackIdentity } from './identity.ts';
import { rollbackMemory, rollbackOpenCalls } from './memory.ts';
import { rollbackPreserveLen } from './preserve-len.ts';

export const ROLLBACK_CASES: readonly Case[] = [
  rollbackIdentity,
  rollbackPreserveLen,
  rollbackForeign,
  rollbackHidden,
  rollbackOpenCalls,
  rollbackMemory,
];
