import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import { OPERATION_IDS, OPERATION_ROUTES, type OperationId } from '../../contract/operation-routes.ts';

/** What a fault does. */
export type FaultEffect =
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

export type FaultEffectName = FaultEffect['effect'];

/** The values of a parameter, in words and as a test. */
interface Parameter {
  takes: string;
  fits(value: unknown): boolean;
}

interface FaultEffectRow {
  parameters: Readonly<Record<string, Parameter>>;
  /** How many of these parameters are required. */
  needed: number;
  /** Further parameters, which are optional. */
  optional?: Readonly<Record<string, Parameter>>;
  /** The operations on which it can act. */
  operations: readonly OperationId[];
}

/** The longest timeout of a timer. */
const MAX_MS = 2 ** 31 - 1;

const code: Parameter = {
  takes: `one of the codes ${Object.keys(ERRORS).join(', ')}`,
  fits: (value) => typeof value === 'string' && Object.hasOwn(ERRORS, value),
};
const yes: Parameter = { takes: 'true', fits: (value) => value === true };
const milliseconds = wholeNumber(0, MAX_MS);
const anyOf = OPERATION_IDS;
const changes = anyOf.filter((id) => OPERATION_ROUTES[id].method !== 'get' && id !== 'estimateTokenCount');

/** Every effect: its parameters, and the operations on which it can act. */
export const FAULT_EFFECTS: Readonly<Record<FaultEffectName, FaultEffectRow>> = {
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

function row(parameters: Record<string, Parameter>, operations: readonly OperationId[]): FaultEffectRow {
  return { parameters, needed: Object.keys(parameters).length, operations };
}

function wholeNumber(min: number, max: number): Parameter {
  return {
    takes: `a whole number from ${min} to ${max}`,
    fits: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  };
}

/** Which requests a fault applies to, and how many of them. */
export interface Selection {
  /** Only these operations, by their ids in the contract. */
  operation?: OperationId | readonly OperationId[];
  /** Only requests that name this session, in the path or in a chat's body. */
  session?: string;
  /** Only requests with this API key. */
  key?: string;
  /** How often it acts; once by default. Never a probability. */
  times?: number;
}

/** A fault: what happens, to which requests, how often. */
export type FaultSpec = Selection & FaultEffect;

/** An invalid fault; the message is one line with the valid names and values. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
}

const MAX_TIMES = 1_000_000;
const SELECTORS = ['operation', 'session', 'key', 'times'];
const times = wholeNumber(1, MAX_TIMES);

/** Validates a fault. @throws FaultError */
export function readSpec(value: unknown): FaultSpec {
  const given = requireObject(value);
  const row = requireEffect(given, SELECTORS);
  for (const name of ['session', 'key']) {
    const text = given[name];
    if (text !== undefined && (typeof text !== 'string' || text === '')) throw new FaultError(`${name} takes a text`);
  }
  if (given.times !== undefined && !times.fits(given.times)) throw new FaultError(`times takes ${times.takes}`);
  const operations = operationsOf(given.operation);
  if (given.operation !== undefined && operations.length === 0) throw new FaultError('operation is an empty list');
  for (const id of operations) requireOperation(String(given.effect), row, id);
  return given as unknown as FaultSpec;
}

/** Validates the effect that a request header names. @throws FaultError */
export function readEffect(value: unknown, operation: OperationId): FaultEffect {
  const given = requireObject(value);
  requireOperation(String(given.effect), requireEffect(given, []), operation);
  return given as unknown as FaultEffect;
}

export function operationsOf(operation: unknown): readonly OperationId[] {
  if (operation === undefined) return [];
  return (Array.isArray(operation) ? operation : [operation]) as OperationId[];
}

function requireObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FaultError(`a fault is an object with an effect: ${Object.keys(FAULT_EFFECTS).join(', ')}`);
}

/** @param others allowed members besides the effect's own */
function requireEffect(given: Record<string, unknown>, others: readonly string[]): FaultEffectRow {
  const { effect } = given;
  if (typeof effect !== 'string' || !Object.hasOwn(FAULT_EFFECTS, effect)) {
    const what = effect === undefined ? 'an effect is missing' : `unknown effect ${JSON.stringify(effect)}`;
    throw new FaultError(`${what}; the effects are ${Object.keys(FAULT_EFFECTS).join(', ')}`);
  }
  const row = FAULT_EFFECTS[effect as FaultEffectName];
  const own = Object.keys(row.parameters);
  const known = [...others, 'effect', ...own, ...Object.keys(row.optional ?? {})];
  const present = Object.keys(given).filter((name) => given[name] !== undefined);
  const unknown = present.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new FaultError(`unknown member ${JSON.stringify(unknown)}; those of ${effect} are ${known.join(', ')}`);
  }
  if (own.filter((name) => present.includes(name)).length !== row.needed) {
    throw new FaultError(`${effect} takes ${own.length > row.needed ? 'one of ' : ''}${own.join(', ')}`);
  }
  for (const [name, { takes, fits }] of Object.entries({ ...row.parameters, ...row.optional })) {
    if (given[name] !== undefined && !fits(given[name])) {
      throw new FaultError(`${name} takes ${takes}, not ${JSON.stringify(given[name])}`);
    }
  }
  return row;
}

function requireOperation(effect: string, { operations }: FaultEffectRow, id: unknown): void {
  if (!OPERATION_IDS.includes(id as OperationId)) {
    throw new FaultError(`unknown operation ${JSON.stringify(id)}; the operations are ${operations.join(', ')}`);
  }
  if (!operations.includes(id as OperationId)) {
    throw new FaultError(`${effect} cannot act on ${id}; it acts on ${operations.join(', ')}`);
  }
}
