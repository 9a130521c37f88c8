import { expect, test } from 'vitest';
import { stillClock } from '../../emulator/clock.ts';
import { RateLimits } from '../../emulator/http/rate-limits.ts';

test('of more accounts than fit, the one that asked longest ago starts again, unless its request is running', () => {
  const limits = new RateLimits(0, stillClock(0), 2);
  const end = limits.of('running').enter();
  limits.of('idle').enter()();
  limits.of('idle').enter()();
  limits.of('idle').enter()();
  expect(() => limits.of('idle').enter()).toThrow('max RPM: 3');
  limits.of('third').enter()();
  expect(() => limits.of('running').enter()).toThrow('max organization concurrency: 1');
  end();
  limits.of('idle').enter()();
});
