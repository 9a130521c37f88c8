import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { KimiClient } from '../../client/index.ts';
import { startEmulator } from '../support/emulator.ts';

it('an abort signal shared by many requests keeps no listeners', async () => {
  const { emulator } = await startEmulator('in process');
  const client = new KimiClient({ fetch: emulator.fetch });
  const { signal } = new AbortController();
  for (let request = 0; request < 12; request += 1) await client.sessions.list({}, { signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

it('an abort signal still aborts after many requests', async () => {
  const { emulator } = await startEmulator('in process');
  const client = new KimiClient({ fetch: emulator.fetch });
  await expect(client.sessions.list({}, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});
