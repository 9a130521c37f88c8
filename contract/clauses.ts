import { ACCOUNTS } from './clauses/accounts.ts';
import { APPEND } from './clauses/append.ts';
import { BALANCE } from './clauses/balance.ts';
import { CHAT } from './clauses/chat.ts';
import type { Clause, WireClause } from './clauses/clause.ts';
import { COMPRESS } from './clauses/compress.ts';
import { ERRORS } from './clauses/errors.ts';
import { FORKS } from './clauses/forks.ts';
import { IDEMPOTENCY } from './clauses/idempotency.ts';
import { LINES } from './clauses/lines.ts';
import { LISTS } from './clauses/lists.ts';
import { MODELS } from './clauses/models.ts';
import { PINS } from './clauses/pins.ts';
import { ROLLBACK } from './clauses/rollback.ts';
import { SESSIONS } from './clauses/sessions.ts';
import { SHARES } from './clauses/shares.ts';
import { SNAPSHOTS } from './clauses/snapshots.ts';
import { STREAM } from './clauses/stream.ts';
import { TOKENS } from './clauses/tokens.ts';
import { TOOLS } from './clauses/tools.ts';
import { TRUNCATE } from './clauses/truncate.ts';
import { TURN } from './clauses/turn.ts';
import { VERSIONS } from './clauses/versions.ts';

export { type Clause, type Level, PROFILES, type Profile, type WireClause } from './clauses/clause.ts';

/** Every rule of the contract, by its id. What an id means never changes; a rule that goes takes its id with it. */
export const CLAUSES = {
  ...CHAT,
  ...STREAM,
  ...TOOLS,
  ...MODELS,
  ...TOKENS,
  ...BALANCE,
  ...ERRORS,
  ...SESSIONS,
  ...LISTS,
  ...ACCOUNTS,
  ...IDEMPOTENCY,
  ...VERSIONS,
  ...APPEND,
  ...LINES,
  ...PINS,
  ...TURN,
  ...TRUNCATE,
  ...SNAPSHOTS,
  ...ROLLBACK,
  ...FORKS,
  ...SHARES,
  ...COMPRESS,
} as const satisfies Record<string, Clause>;

export type ClauseId = keyof typeof CLAUSES;

/** Rules that a check has to be there for. */
export type WireClauseId = {
  [Id in ClauseId]: (typeof CLAUSES)[Id] extends WireClause ? Id : never;
}[ClauseId];

export const CLAUSE_IDS = Object.keys(CLAUSES) as ClauseId[];
