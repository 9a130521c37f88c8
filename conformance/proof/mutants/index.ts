import type { Mutant } from '../mutant.ts';
import { ACCOUNTS_MUTANTS } from './accounts.ts';
import { APPEND_MUTANTS } from './append.ts';
import { BALANCE_MUTANTS } from './balance.ts';
import { CHAT_MUTANTS } from './chat.ts';
import { COMPRESS_MUTANTS } from './compress.ts';
import { ERRORS_MUTANTS } from './errors.ts';
import { FORKS_MUTANTS } from './forks.ts';
import { IDEMPOTENCY_MUTANTS } from './idempotency.ts';
import { LINES_MUTANTS } from './lines.ts';
import { LISTS_MUTANTS } from './lists.ts';
import { MODELS_MUTANTS } from './models.ts';
import { PINS_MUTANTS } from './pins.ts';
import { ROLLBACK_MUTANTS } from './rollback.ts';
import { SESSIONS_MUTANTS } from './sessions.ts';
import { SHARES_MUTANTS } from './shares.ts';
import { SNAPSHOTS_MUTANTS } from './snapshots.ts';
import { STREAM_MUTANTS } from './stream.ts';
import { TOKENS_MUTANTS } from './tokens.ts';
import { TOOLS_MUTANTS } from './tools.ts';
import { TRUNCATE_MUTANTS } from './truncate.ts';
import { TURN_MUTANTS } from './turn.ts';
import { VERSIONS_MUTANTS } from './versions.ts';

/** Every broken server of the proof, by area. */
export const MUTANTS: readonly Mutant[] = [
  ...CHAT_MUTANTS,
  ...STREAM_MUTANTS,
  ...TOOLS_MUTANTS,
  ...MODELS_MUTANTS,
  ...TOKENS_MUTANTS,
  ...BALANCE_MUTANTS,
  ...ERRORS_MUTANTS,
  ...SESSIONS_MUTANTS,
  ...LISTS_MUTANTS,
  ...ACCOUNTS_MUTANTS,
  ...IDEMPOTENCY_MUTANTS,
  ...VERSIONS_MUTANTS,
  ...APPEND_MUTANTS,
  ...LINES_MUTANTS,
  ...PINS_MUTANTS,
  ...TURN_MUTANTS,
  ...TRUNCATE_MUTANTS,
  ...SNAPSHOTS_MUTANTS,
  ...ROLLBACK_MUTANTS,
  ...FORKS_MUTANTS,
  ...SHARES_MUTANTS,
  ...COMPRESS_MUTANTS,
];
