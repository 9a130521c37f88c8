import type { Mutant } from '../mutant.ts';
import { TURN_ACCOUNT_MUTANTS } from './turn/accounts.ts';
import { TURN_HISTORY_MUTANTS } from './turn/histories.ts';
import { TURN_LIMIT_MUTANTS } from './turn/limits.ts';
import { TURN_PAIRING_MUTANTS } from './turn/pairing.ts';
import { TURN_RACE_MUTANTS } from './turn/races.ts';
import { TURN_REPLY_MUTANTS } from './turn/replies.ts';
import { TURN_TOOL_MUTANTS } from './turn/tools.ts';
import { TURN_UNKNOWN_MUTANTS } from './turn/unknown.ts';

export const TURN_MUTANTS: readonly Mutant[] = [
  ...TURN_ACCOUNT_MUTANTS,
  ...TURN_HISTORY_MUTANTS,
  ...TURN_LIMIT_MUTANTS,
  ...TURN_PAIRING_MUTANTS,
  ...TURN_TOOL_MUTANTS,
  ...TURN_REPLY_MUTANTS,
  ...TURN_UNKNOWN_MUTANTS,
  ...TURN_RACE_MUTANTS,
];
