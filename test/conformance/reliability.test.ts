import { expect, it, onTestFinished } from 'vitest';
import { runConformance } from '../../conformance/core/run.ts';
import { behind } from '../../conformance/proof/mutant.ts';
import { type Handler, json, type Passing } from '../../conformance/proof/proxy.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';

const CASES = ['models', 'balance', 'sessions.fields', 'sessions.update', 'lists.messages'];

/** Answers one in so many requests by itself; the rest is sound. */
function oneIn(times: number, isIt: (request: Passing) => boolean, answer: () => Response): Handler {
  let seen = 0;
  return (request, forward) => {
    if (isIt(request)) seen += 1;
    return isIt(request) && seen % times === 0 ? Promise.resolve(answer()) : forward();
  };
}

const isRead = ({ method }: Passing) => method === 'GET';
const broken = () => json({ error: { message: 'invalid state transition', type: 'unexpected_output' } }, 500);
const lost = (): Response => {
  throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
};
const refused = () =>
  json({ error: { message: 'overloaded', type: 'engine_overloaded_error' } }, 429, { 'Retry-After': '0' });

async function judge(handler: Handler, cases = CASES) {
  const real = await emulatorTarget();
  onTestFinished(() => real.close?.());
  return runConformance(behind(real, handler), { cases });
}

it.each([
  ['answers every seventh read with 500', oneIn(7, isRead, broken)],
  ['loses every seventh read', oneIn(7, isRead, lost)],
  ['refuses every fourth request with 429', oneIn(4, () => true, refused)],
])('a server that %s is unreliable, though each check holds at the second try', async (_, handler) => {
  const { exitCode, profiles, reliability, results } = await judge(handler);
  expect(results.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
  expect(profiles.session.status).toBe('unreliable');
  expect(exitCode).toBe(1);
  expect(reliability.failed + reliability.refused).toBeGreaterThan(3);
});

it('a server that fails one read is not blamed for it', async () => {
  let failed = false;
  const once: Handler = (request, forward) => {
    if (failed || !isRead(request) || !request.path.startsWith('/v1/sessions/')) return forward();
    failed = true;
    return Promise.resolve(broken());
  };
  const { exitCode, profiles, reliability } = await judge(once);
  expect([exitCode, profiles.session.status, reliability.failed]).toEqual([0, 'conformant', 1]);
});
