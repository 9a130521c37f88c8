import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import type { Step } from '../laws/command.ts';
import { chat } from '../laws/commands/chat.ts';
import { cutSteps } from '../laws/commands/cuts.ts';
import { begin, sessionSteps } from '../laws/commands/sessions.ts';
import { snapshotSteps } from '../laws/commands/snapshots.ts';
import { emptyState } from '../laws/state.ts';
import { ACCOUNTS, LIMITS, World } from '../laws/world.ts';
import { temporaryFolder } from '../store/files.ts';
import { Api } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import { readable } from './readable.ts';

const steps: fc.Arbitrary<Step> = fc.oneof(
  ...sessionSteps,
  ...snapshotSteps,
  ...snapshotSteps.filter(({ restarts }) => !restarts),
  ...cutSteps,
  { weight: 8, arbitrary: chat },
);

describe('a state after any sequence of operations', () => {
  it('reads the same where it is imported, goes on the same, and is exported again byte for byte', async () => {
    const folder = temporaryFolder();
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await fc.assert(
      fc.asyncProperty(fc.commands([steps], { maxCommands: 60, size: 'max' }), async (commands) => {
        const world = await World.open(folder, 'in process');
        const options = { limits: LIMITS, tokenizer: world.tokenizerSource, seed: 'another', clock: world.clock };
        const emulator = createEmulator(options);
        try {
          const state = emptyState();
          await begin(state, world);
          await fc.asyncModelRun(() => ({ model: state, real: world }), commands);
          const file = await world.api.emulator.state.export();
          const imported = await emulator.state.import(file);
          expect(new Set(imported.sessions)).toEqual(new Set(state.sessions.map(({ id }) => id)));
          const api = new Api(emulator, 'in process');
          const before = await readable(world.api, ACCOUNTS);
          expect(await readable(api, ACCOUNTS)).toEqual(before);
          expect(await emulator.state.export()).toBe(file);
          await goOn(api);
          await goOn(world.api);
          expect(withoutIds(await readable(api, ACCOUNTS))).toEqual(withoutIds(await readable(world.api, ACCOUNTS)));
          await world.collect();
        } finally {
          await emulator.close();
          await world.close();
        }
      }),
      { numRuns: runs(6) },
    );
    vi.restoreAllMocks();
  });
});

/** Cuts, restores and writes behind every window, as far as its limits let it. */
async function goOn(api: Api): Promise<void> {
  for (const key of ACCOUNTS) {
    const { body } = await api.get<{ data: { id: string }[] }>('/v1/sessions?order=asc', { key });
    for (const { id } of body.data) {
      await api.post(`/v1/sessions/${id}/truncate`, { preserve_len: 300 }, { key });
      await api.post(`/v1/sessions/${id}/messages`, { role: 'user', content: 'And then?' }, { key });
    }
    const taken = await api.get<{ data: { id: string; session_id: string }[] }>('/v1/snapshots?order=asc', { key });
    for (const { id, session_id } of taken.body.data.slice(0, 3)) {
      await api.post(`/v1/sessions/${session_id}/rollback`, { snapshot_id: id, preserve_len: 'all' }, { key });
      await api.delete(`/v1/snapshots/${id}`, { key });
    }
  }
}

/** What is new has another id in each. */
function withoutIds(found: object): unknown {
  return JSON.parse(JSON.stringify(found).replaceAll(/msg_[0-9a-f]+/g, 'msg'));
}
