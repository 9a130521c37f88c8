import type { Case } from '../../core/case.ts';
import { streamAnswer } from './answer.ts';
import { streamCalls } from './calls.ts';
import { streamAsked, streamLength, streamRefusal, streamUsage } from './options.ts';

export const STREAM_CASES: readonly Case[] = [
  streamAnswer,
  streamUsage,
  streamLength,
  streamAsked,
  streamCalls,
  streamRefusal,
];
