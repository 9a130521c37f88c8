import type { Case } from '../../core/case.ts';
import { errorsBodies, errorsSizes } from './bodies.ts';
import { errorsHeaders, errorsHostedAgents, errorsRoute } from './headers.ts';
import { errorsKeys } from './keys.ts';
import { errorsRows, errorsWindow } from './rows.ts';

export const ERRORS_CASES: readonly Case[] = [
  errorsKeys,
  errorsRows,
  errorsWindow,
  errorsBodies,
  errorsSizes,
  errorsHeaders,
  errorsRoute,
  errorsHostedAgents,
];
