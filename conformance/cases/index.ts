import type { Case } from '../core/case.ts';
import { ACCOUNTS_CASES } from './accounts/index.ts';
import { APPEND_CASES } from './append/index.ts';
import { BALANCE_CASES } from './balance/index.ts';
import { CHAT_CASES } from './chat/index.ts';
import { COMPRESS_CASES } from './compress/index.ts';
import { ERRORS_CASES } from './errors/index.ts';
import { FORKS_CASES } from './forks/index.ts';
import { IDEMPOTENCY_CASES } from './idempotency/index.ts';
import { LINES_CASES } from './lines/index.ts';
import { LISTS_CASES } from './lists/index.ts';
import { MODELS_CASES } from './models/index.ts';
import { PINS_CASES } from './pins/index.ts';
import { ROLLBACK_CASES } from './rollback/index.ts';
import { SESSIONS_CASES } from './sessions/index.ts';
import { SHARES_CASES } from './shares/index.ts';
import { SNAPSHOTS_CASES } from './snapshots/index.ts';
import { STREAM_CASES } from './stream/index.ts';
import { TOKENS_CASES } from './tokens/index.ts';
import { TOOLS_CASES } from './tools/index.ts';
import { TRUNCATE_CASES } from './truncate/index.ts';
import { TURN_CASES } from './turn/index.ts';
import { VERSIONS_CASES } from './versions/index.ts';

/** Every case of the kit, in the order in which they run. */
export const CASES: readonly Case[] = [
  ...CHAT_CASES,
  ...STREAM_CASES,
  ...TOOLS_CASES,
  ...MODELS_CASES,
  ...TOKENS_CASES,
  ...BALANCE_CASES,
  ...ERRORS_CASES,
  ...SESSIONS_CASES,
  ...LISTS_CASES,
  ...ACCOUNTS_CASES,
  ...IDEMPOTENCY_CASES,
  ...VERSIONS_CASES,
  ...APPEND_CASES,
  ...LINES_CASES,
  ...PINS_CASES,
  ...TURN_CASES,
  ...TRUNCATE_CASES,
  ...SNAPSHOTS_CASES,
  ...ROLLBACK_CASES,
  ...FORKS_CASES,
  ...SHARES_CASES,
  ...COMPRESS_CASES,
];
