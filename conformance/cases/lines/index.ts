import type { Case } from '../../core/case.ts';
import { linesBadFirst, linesBadLater } from './bad-line.ts';
import { linesLimit } from './limit.ts';
import { linesPieces } from './pieces.ts';
import { linesIfMatch, linesResend } from './resend.ts';
import { linesWrite } from './write.ts';

export const LINES_CASES: readonly Case[] = [
  linesWrite,
  linesPieces,
  linesLimit,
  linesBadFirst,
  linesBadLater,
  linesIfMatch,
  linesResend,
];
