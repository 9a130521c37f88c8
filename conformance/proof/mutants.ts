import { ACCOUNTS_MUTANTS } from '../areas/accounts/mutants.ts';
import { ROUTE_MUTANTS as ACCOUNTS_ROUTE_MUTANTS } from '../areas/accounts/route-mutants.ts';
import { APPEND_CELL_MUTANTS } from '../areas/append/cell-mutants.ts';
import { APPEND_MUTANTS } from '../areas/append/mutants.ts';
import { BALANCE_MUTANTS } from '../areas/balance/mutants.ts';
import { CHAT_MUTANTS } from '../areas/chat/mutants.ts';
import { COMPRESS_MUTANTS } from '../areas/compress/mutants.ts';
import { FIELD_MUTANTS } from '../areas/errors/field-mutants.ts';
import { GATE_MUTANTS } from '../areas/errors/gate-mutants.ts';
import { ERRORS_MUTANTS } from '../areas/errors/mutants.ts';
import { FILES_MUTANTS } from '../areas/files/mutants.ts';
import { FORKS_MUTANTS } from '../areas/forks/mutants.ts';
import { ORIGIN_MUTANTS } from '../areas/forks/origin-mutants.ts';
import { IDEMPOTENCY_MUTANTS } from '../areas/idempotency/mutants.ts';
import { OUTSIDE_MUTANTS } from '../areas/idempotency/outside-mutants.ts';
import { ROUTE_MUTANTS as IDEMPOTENCY_ROUTE_MUTANTS } from '../areas/idempotency/route-mutants.ts';
import { K3_MUTANTS } from '../areas/k3/mutants.ts';
import { K26_MUTANTS } from '../areas/k26/mutants.ts';
import { LISTS_MUTANTS } from '../areas/lists/mutants.ts';
import { MODELS_MUTANTS } from '../areas/models/mutants.ts';
import { NDJSON_MUTANTS } from '../areas/ndjson/mutants.ts';
import { PINS_MUTANTS } from '../areas/pins/mutants.ts';
import { ROLLBACK_MUTANTS } from '../areas/rollback/mutants.ts';
import { STATE_MUTANTS } from '../areas/rollback/state-mutants.ts';
import { SESSIONS_CELL_MUTANTS } from '../areas/sessions/cell-mutants.ts';
import { SESSIONS_MUTANTS } from '../areas/sessions/mutants.ts';
import { SHARES_MUTANTS } from '../areas/shares/mutants.ts';
import { SNAPSHOTS_MUTANTS } from '../areas/snapshots/mutants.ts';
import { CHOICE_MUTANTS } from '../areas/stream/choice-mutants.ts';
import { STREAM_MUTANTS } from '../areas/stream/mutants.ts';
import { SAME_MUTANTS } from '../areas/stream/same-mutants.ts';
import { TOKENS_MUTANTS } from '../areas/tokens/mutants.ts';
import { TOOLS_MUTANTS } from '../areas/tools/mutants.ts';
import { TRUNCATE_MUTANTS } from '../areas/truncate/mutants.ts';
import { CUT_MUTANTS } from '../areas/truncate/state-mutants.ts';
import { TURN_CELL_MUTANTS } from '../areas/turn/cell-mutants.ts';
import { TURN_MUTANTS } from '../areas/turn/mutants.ts';
import { SETTING_MUTANTS } from '../areas/turn/setting-mutants.ts';
import { VERSIONS_MUTANTS } from '../areas/versions/mutants.ts';
import { ROUTE_MUTANTS as VERSIONS_ROUTE_MUTANTS } from '../areas/versions/route-mutants.ts';
import type { Mutant } from './mutant.ts';

/** Every broken server of the proof, by area. */
export const MUTANTS: readonly Mutant[] = [
  ...CHAT_MUTANTS,
  ...STREAM_MUTANTS,
  ...SAME_MUTANTS,
  ...TOOLS_MUTANTS,
  ...MODELS_MUTANTS,
  ...TOKENS_MUTANTS,
  ...K3_MUTANTS,
  ...K26_MUTANTS,
  ...BALANCE_MUTANTS,
  ...FILES_MUTANTS,
  ...ERRORS_MUTANTS,
  ...GATE_MUTANTS,
  ...FIELD_MUTANTS,
  ...SESSIONS_MUTANTS,
  ...LISTS_MUTANTS,
  ...ACCOUNTS_MUTANTS,
  ...IDEMPOTENCY_MUTANTS,
  ...VERSIONS_MUTANTS,
  ...APPEND_MUTANTS,
  ...NDJSON_MUTANTS,
  ...PINS_MUTANTS,
  ...TURN_MUTANTS,
  ...SETTING_MUTANTS,
  ...TRUNCATE_MUTANTS,
  ...SNAPSHOTS_MUTANTS,
  ...ROLLBACK_MUTANTS,
  ...FORKS_MUTANTS,
  ...ORIGIN_MUTANTS,
  ...SHARES_MUTANTS,
  ...COMPRESS_MUTANTS,
  ...CUT_MUTANTS,
  ...SESSIONS_CELL_MUTANTS,
  ...CHOICE_MUTANTS,
  ...ACCOUNTS_ROUTE_MUTANTS,
  ...VERSIONS_ROUTE_MUTANTS,
  ...IDEMPOTENCY_ROUTE_MUTANTS,
  ...OUTSIDE_MUTANTS,
  ...STATE_MUTANTS,
  ...TURN_CELL_MUTANTS,
  ...APPEND_CELL_MUTANTS,
];
