import { expect, it } from 'vitest';
import { judgeMutant } from '../../conformance/proof/judge.ts';
import { json, on } from '../../conformance/proof/proxy.ts';

/** Nothing of a case is reached on it but the beginning. */
const noSessions = () => on('POST', '/v1/sessions', async () => json({ error: { message: 'no', type: 'x' } }, 403));

it('a check that a case never reached does not count as catching a broken server', async () => {
  const { killed, survived } = await judgeMutant({
    id: 'append.no-sessions',
    area: 'append',
    broken: 'no session can be created',
    caughtBy: ['append.limit-single/plain-over'],
    proxy: noSessions,
  });
  expect(killed).toEqual([]);
  expect(survived).toMatchObject([
    { verdict: 'fail', message: expect.stringMatching(/^not reached: POST \/v1\/sessions/) },
  ]);
});
