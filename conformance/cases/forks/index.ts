import type { Case } from '../../core/case.ts';
import { forkHidden, forkLimit } from './account.ts';
import { forkIsolation } from './isolation.ts';
import { forkMemory } from './memory.ts';
import { forkNewSession } from './new-session.ts';
import { forkFields, forkPreserveLen } from './request.ts';

export const FORKS_CASES: readonly Case[] = [
  forkNewSession,
  forkIsolation,
  forkFields,
  forkPreserveLen,
  forkHidden,
  forkMemory,
  forkLimit,
];
