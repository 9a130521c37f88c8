import { describe, expect, it, onTestFinished } from 'vitest';
import { resolveLimits } from '../../contract/limits.ts';
import { operations } from '../../contract/operations.ts';
import { FAULT_EFFECTS } from '../../emulator/faults/fault-spec.ts';
import { createEmulator, FaultError, type FaultSpec } from '../../emulator/index.ts';

function refusalOf(spec: unknown): string {
  const emulator = createEmulator();
  onTestFinished(() => emulator.close());
  try {
    emulator.faults.add(spec as FaultSpec);
  } catch (error) {
    expect(error).toBeInstanceOf(FaultError);
    expect(emulator.faults.list()).toEqual([]);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

describe('a fault with a wrong', () => {
  const effects =
    'error, delay, hang, reset, lose_answer, cut_stream, slow_stream, session_busy, snapshot_expired, compress_fails, disk_full, window_pressure';

  it.each<[what: string, spec: unknown, message: string | RegExp]>([
    ['form', 'reset', `a fault is an object with an effect: ${effects}`],
    ['form', ['reset'], `a fault is an object with an effect: ${effects}`],
    ['effect', {}, `an effect is missing; the effects are ${effects}`],
    ['effect', { effect: 'explode' }, `unknown effect "explode"; the effects are ${effects}`],
    ['effect', { effect: 'toString' }, /^unknown effect "toString"/],
    [
      'parameter',
      { effect: 'delay', seconds: 1 },
      'unknown member "seconds"; those of delay are operation, session, key, times, effect, ms',
    ],
    [
      'parameter',
      { effect: 'hang', probability: 0.5 },
      'unknown member "probability"; those of hang are operation, session, key, times, effect',
    ],
    ['code', { effect: 'error' }, 'error takes code'],
    [
      'code',
      { effect: 'error', code: 'teapot' },
      /^code takes one of the codes invalid_request, .*, gateway_timeout, not "teapot"$/,
    ],
    ['number', { effect: 'delay', ms: -1 }, 'ms takes a whole number from 0 to 2147483647, not -1'],
    ['number', { effect: 'delay', ms: '5' }, 'ms takes a whole number from 0 to 2147483647, not "5"'],
    ['cut', { effect: 'cut_stream' }, 'cut_stream takes one of after_events, inside_character'],
    [
      'cut',
      { effect: 'cut_stream', after_events: 1, inside_character: true },
      'cut_stream takes one of after_events, inside_character',
    ],
    ['cut', { effect: 'cut_stream', inside_character: false }, 'inside_character takes true, not false'],
    ['count', { effect: 'reset', times: 0 }, 'times takes a whole number from 1 to 1000000'],
    ['count', { effect: 'reset', times: 0.5 }, 'times takes a whole number from 1 to 1000000'],
    ['session', { effect: 'reset', session: 7 }, 'session takes a text'],
    ['key', { effect: 'reset', key: '' }, 'key takes a text'],
    [
      'operation',
      { effect: 'reset', operation: 'chat' },
      /^unknown operation "chat"; the operations are createSession, .*, getBalance$/,
    ],
    ['operation', { effect: 'reset', operation: ['getSession', 'chat'] }, /^unknown operation "chat"/],
    ['operation', { effect: 'reset', operation: [] }, 'operation is an empty list'],
    [
      'operation',
      { effect: 'compress_fails', operation: 'truncateSession' },
      'compress_fails cannot act on truncateSession; it acts on compressSession',
    ],
  ])('%s is refused with the right ones: %j', (_, spec, message) => {
    const refusal = refusalOf(spec);
    if (typeof message === 'string') expect(refusal).toBe(message);
    else expect(refusal).toMatch(message);
  });
});

it('session_busy acts on exactly the operations that the contract lets be busy', () => {
  const busy = operations(resolveLimits()).filter(({ errors }) => errors.includes('session_busy'));
  expect([...FAULT_EFFECTS.session_busy.operations].sort()).toEqual(busy.map(({ id }) => id).sort());
});

it('snapshot_expired acts on exactly the operations that name a snapshot by its id', () => {
  const named = operations(resolveLimits()).filter(({ errors }) => errors.includes('snapshot_not_found'));
  // These two only name one as the place from which a page goes on.
  const pages = ['listSnapshots', 'listSessionSnapshots'];
  const ids = named.map(({ id }) => id).filter((id) => !pages.includes(id));
  expect([...FAULT_EFFECTS.snapshot_expired.operations].sort()).toEqual(ids.sort());
});

it('streams are cut on exactly the operations that stream', () => {
  const streaming = operations(resolveLimits()).filter(({ stream }) => stream !== undefined);
  expect([...FAULT_EFFECTS.cut_stream.operations].sort()).toEqual(streaming.map(({ id }) => id).sort());
});
