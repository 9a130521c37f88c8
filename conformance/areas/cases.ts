import type { Case } from '../core/case.ts';
import { ACCOUNTS_CASES } from './accounts/cases.ts';
import { APPEND_CASES } from './append/cases.ts';
import { BALANCE_CASES } from './balance/cases.ts';
import { CHAT_CASES } from './chat/cases.ts';
import { COMPRESS_CASES } from './compress/cases.ts';
import { ERRORS_CASES } from './errors/cases.ts';
import { FILES_CASES } from './files/cases.ts';
import { FORKS_CASES } from './forks/cases.ts';
import { IDEMPOTENCY_CASES } from './idempotency/cases.ts';
import { K3_CASES } from './k3/cases.ts';
import { K26_CASES } from './k26/cases.ts';
import { LISTS_CASES } from './lists/cases.ts';
import { MODELS_CASES } from './models/cases.ts';
import { NDJSON_CASES } from './ndjson/cases.ts';
import { PINS_CASES } from './pins/cases.ts';
import { ROLLBACK_CASES } from './rollback/cases.ts';
import { SESSIONS_CASES } from './sessions/cases.ts';
import { SHARES_CASES } from './shares/cases.ts';
import { SNAPSHOTS_CASES } from './snapshots/cases.ts';
import { STREAM_CASES } from './stream/cases.ts';
import { TOKENS_CASES } from './tokens/cases.ts';
import { TOOLS_CASES } from './tools/cases.ts';
import { TRUNCATE_CASES } from './truncate/cases.ts';
import { TURN_CASES } from './turn/cases.ts';
import { VERSIONS_CASES } from './versions/cases.ts';

/** Every case of the kit, in the order in which they run. */
export const CASES: readonly Case[] = [
  ...CHAT_CASES,
  ...STREAM_CASES,
  ...TOOLS_CASES,
  ...MODELS_CASES,
  ...TOKENS_CASES,
  ...K3_CASES,
  ...K26_CASES,
  ...BALANCE_CASES,
  ...FILES_CASES,
  ...ERRORS_CASES,
  ...SESSIONS_CASES,
  ...LISTS_CASES,
  ...ACCOUNTS_CASES,
  ...IDEMPOTENCY_CASES,
  ...VERSIONS_CASES,
  ...APPEND_CASES,
  ...NDJSON_CASES,
  ...PINS_CASES,
  ...TURN_CASES,
  ...TRUNCATE_CASES,
  ...SNAPSHOTS_CASES,
  ...ROLLBACK_CASES,
  ...FORKS_CASES,
  ...SHARES_CASES,
  ...COMPRESS_CASES,
];
