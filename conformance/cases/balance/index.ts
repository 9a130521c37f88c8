import type { Case } from '../../core/case.ts';
import { balanceRead } from './read.ts';

export const BALANCE_CASES: readonly Case[] = [balanceRead];
