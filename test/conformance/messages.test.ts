import { expect, it, onTestFinished } from 'vitest';
import { defineCase } from '../../conformance/core/case.ts';
import { describeDifference, firstDifference } from '../../conformance/core/difference.ts';
import { expectEqual } from '../../conformance/core/expect.ts';
import { Runner } from '../../conformance/core/runner.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import { endpointTarget } from '../../conformance/targets/target.ts';

const LONG = 'word '.repeat(200);

it.each([
  ['a field deep inside', { data: [{ id: 'a', n: 1 }] }, { data: [{ id: 'a', n: 2 }] }, 'data[0].n: expected 2, got 1'],
  ['a field that is missing', { a: 1 }, { a: 1, name: 'ann' }, 'name: expected "ann", got nothing'],
  ['a field too many', { a: 1, b: 2 }, { a: 1 }, 'b: expected nothing, got 2'],
  ['an item that is missing', [1], [1, 2], '[1]: expected 2, got nothing'],
  ['a list in place of an object', [], {}, 'expected {}, got []'],
  ['two short texts', 'abd', 'abc', 'expected "abc", got "abd"'],
  [
    'two long texts that part late',
    `${LONG}one`,
    `${LONG}two`,
    'expected character 976 on: "ord word word word word two", got character 976 on: "ord word word word word one"',
  ],
])('the message of a comparison names the first difference: %s', (_, actual, expected, message) => {
  const difference = firstDifference(actual, expected);
  expect(difference && describeDifference(difference)).toBe(message);
});

it('equal values have no difference, and a field that is undefined is one that is missing', () => {
  expect(firstDifference({ a: [1, { b: null }], c: undefined }, { a: [1, { b: null }] })).toBeUndefined();
});

it('a check that is not reached names the check that stopped it, and why that failed', async () => {
  const stopped = defineCase({
    id: 'models.stopped',
    title: 'a case that stops',
    needs: ['models'],
    checks: { first: 'models.list', second: 'models.list', third: 'models.list' },
    async run(context) {
      await context.check('first', () => expectEqual({ a: 1 }, { a: 2 }, 'the answer'));
    },
  });
  const target = await emulatorTarget();
  onTestFinished(() => target.close?.());
  const runner = new Runner(target);
  await runner.prepare();
  const [, second] = await runner.runCase(stopped);
  expect(second?.message).toBe('not reached, because first failed: the answer: a: expected 2, got 1');
});

it('an endpoint that accepts any key has an unused account for each case that fills one', () => {
  const options = { baseURL: 'http://localhost:1/v1', keys: { a: 'sk-a' }, model: 'm', declares: {} } as const;
  const target = endpointTarget({ ...options, anyKey: true, dedicated: false, paid: false, deadlineMs: 1 });
  const keys = [target.newKey?.(), target.newKey?.()];
  expect(new Set([...keys, undefined, 'sk-a']).size).toBe(4);
  expect(endpointTarget({ ...options, dedicated: false, paid: false, deadlineMs: 1 }).newKey).toBeUndefined();
});
