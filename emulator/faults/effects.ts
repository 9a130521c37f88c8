import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import { OPERATION_IDS, OPERATION_ROUTES, type OperationId } from '../../contract/operation-routes.ts';

/** What can be made to go wrong. */
export type Effect =
  | { effect: 'error'; code: ErrorCode }
  | { effect: 'delay'; ms: number }
  | { effect: 'hang' }
  | { effect: 'reset' }
  | { effect: 'lose_answer' }
  | { effect: 'cut_stream'; after_events: number; inside_character?: never; cleanly?: true }
  | { effect: 'cut_stream'; inside_character: true; after_events?: never; cleanly?: true }
  | { effect: 'slow_stream'; ms: number }
  | { effect: 'session_busy' }
  | { effect: 'snapshot_expired' }
  | { effect: 'compress_fails' }
  | { effect: 'disk_full' }
  | { effect: 'window_pressure'; max_new_tokens: number };

export type EffectName = Effect['effect'];

/** What a parameter takes, in words, and whether a value is that. */
export interface Parameter {
  takes: string;
  fits(value: unknown): boolean;
}

export interface EffectRow {
  parameters: Readonly<Record<string, Parameter>>;
  /** How many of these parameters have to be given. */
  needed: number;
  /** Those that may be given besides. */
  optional?: Readonly<Record<string, Parameter>>;
  /** The operations on which it can act. */
  operations: readonly OperationId[];
}

/** The longest that a timer can wait. */
const MAX_MS = 2 ** 31 - 1;

const code: Parameter = {
  takes: `one of the codes ${Object.keys(ERRORS).join(', ')}`,
  fits: (value) => typeof value === 'string' && Object.hasOwn(ERRORS, value),
};
const yes: Parameter = { takes: 'true', fits: (value) => value === true };
const milliseconds = wholeNumber(0, MAX_MS);
const anyOf = OPERATION_IDS;
const changes = anyOf.filter((id) => OPERATION_ROUTES[id].method !== 'get' && id !== 'estimateTokenCount');

/** Every effect: what it takes, and where it can act. */
export const EFFECTS: Readonly<Record<EffectName, EffectRow>> = {
  error: row({ code }, anyOf),
  delay: row({ ms: milliseconds }, anyOf),
  hang: row({}, anyOf),
  reset: row({}, anyOf),
  lose_answer: row({}, anyOf),
  cut_stream: {
    parameters: {
      after_events: wholeNumber(0, 1_000_000),
      inside_character: yes,
    },
    needed: 1,
    optional: { cleanly: yes },
    operations: ['createChatCompletion', 'appendMessages'],
  },
  slow_stream: row({ ms: milliseconds }, ['createChatCompletion', 'appendMessages']),
  session_busy: row({}, [
    'updateSession',
    'deleteSession',
    'appendMessages',
    'pinMessage',
    'truncateSession',
    'rollbackSession',
    'compressSession',
    'createChatCompletion',
  ]),
  snapshot_expired: row({}, [
    'createSession',
    'rollbackSession',
    'getSnapshot',
    'deleteSnapshot',
    'listSnapshotMessages',
    'shareSnapshot',
    'unshareSnapshot',
  ]),
  compress_fails: row({}, ['compressSession']),
  disk_full: row({}, changes),
  window_pressure: row({ max_new_tokens: wholeNumber(0, Number.MAX_SAFE_INTEGER) }, [
    'createSession',
    'appendMessages',
    'createChatCompletion',
  ]),
};

function row(parameters: Record<string, Parameter>, operations: readonly OperationId[]): EffectRow {
  return { parameters, needed: Object.keys(parameters).length, operations };
}

export function wholeNumber(min: number, max: number): Parameter {
  return {
    takes: `a whole number from ${min} to ${max}`,
    fits: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  };
}
