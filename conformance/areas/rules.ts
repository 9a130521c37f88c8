import { ACCOUNTS_RULES } from './accounts/rules.ts';
import { APPEND_RULES } from './append/rules.ts';
import { BALANCE_RULES } from './balance/rules.ts';
import { CHAT_RULES } from './chat/rules.ts';
import { COMPRESS_RULES } from './compress/rules.ts';
import { ERRORS_RULES } from './errors/rules.ts';
import { FILES_RULES } from './files/rules.ts';
import { FORKS_RULES } from './forks/rules.ts';
import { IDEMPOTENCY_RULES } from './idempotency/rules.ts';
import { K3_RULES } from './k3/rules.ts';
import { K26_RULES } from './k26/rules.ts';
import { LISTS_RULES } from './lists/rules.ts';
import { MODELS_RULES } from './models/rules.ts';
import { NDJSON_RULES } from './ndjson/rules.ts';
import { PINS_RULES } from './pins/rules.ts';
import { ROLLBACK_RULES } from './rollback/rules.ts';
import type { Rule, WireRule } from './rule.ts';
import { SESSIONS_RULES } from './sessions/rules.ts';
import { SHARES_RULES } from './shares/rules.ts';
import { SNAPSHOTS_RULES } from './snapshots/rules.ts';
import { STREAM_RULES } from './stream/rules.ts';
import { TOKENS_RULES } from './tokens/rules.ts';
import { TOOLS_RULES } from './tools/rules.ts';
import { TRUNCATE_RULES } from './truncate/rules.ts';
import { TURN_RULES } from './turn/rules.ts';
import { VERSIONS_RULES } from './versions/rules.ts';

export { type Level, type ModelFamily, PROFILES, type Profile, type Rule, type WireRule } from './rule.ts';

/** Every rule of the contract, by its id. What an id means never changes; a rule that goes takes its id with it. */
export const RULES = {
  ...CHAT_RULES,
  ...STREAM_RULES,
  ...TOOLS_RULES,
  ...MODELS_RULES,
  ...TOKENS_RULES,
  ...K3_RULES,
  ...K26_RULES,
  ...BALANCE_RULES,
  ...FILES_RULES,
  ...ERRORS_RULES,
  ...SESSIONS_RULES,
  ...LISTS_RULES,
  ...ACCOUNTS_RULES,
  ...IDEMPOTENCY_RULES,
  ...VERSIONS_RULES,
  ...APPEND_RULES,
  ...NDJSON_RULES,
  ...PINS_RULES,
  ...TURN_RULES,
  ...TRUNCATE_RULES,
  ...SNAPSHOTS_RULES,
  ...ROLLBACK_RULES,
  ...FORKS_RULES,
  ...SHARES_RULES,
  ...COMPRESS_RULES,
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof RULES;

/** Rules that a check has to be there for. */
export type WireRuleId = {
  [Id in RuleId]: (typeof RULES)[Id] extends WireRule ? Id : never;
}[RuleId];

export const RULE_IDS = Object.keys(RULES) as RuleId[];
