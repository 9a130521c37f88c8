import { expect, it, onTestFinished } from 'vitest';
import { runConformance } from '../../conformance/index.ts';
import { behind } from '../../conformance/proof/mutant.ts';
import { json, on } from '../../conformance/proof/proxy.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';

it('a check that fails shows what each account sent, and whose it is', async () => {
  const real = await emulatorTarget();
  onTestFinished(() => real.close?.());
  const openToAll = on('GET', '/v1/sessions/:id', async ({ headers }, forward) =>
    headers.authorization?.endsWith('-b') ? json({ all: 'yours' }) : forward(),
  );
  const { results } = await runConformance(behind(real, openToAll), { cases: ['accounts.read'] });
  const { exchanges } = results.find(({ id }) => id === 'accounts.read/session-hidden') ?? {};
  expect(exchanges).toEqual([
    expect.stringMatching(/^POST \/v1\/sessions → 201 /),
    expect.stringMatching(/^POST \/v1\/sessions\/\S+\/snapshots → 201 /),
    expect.stringMatching(/^GET \/v1\/sessions\/\S+ → 200 /),
    expect.stringMatching(/^account B: GET \/v1\/sessions\/\S+ → 200 \{"all":"yours"\}/),
  ]);
});
