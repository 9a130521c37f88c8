import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../store/files.ts';
import { TRANSPORTS } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import type { Step } from './command.ts';
import { chat } from './commands/chat.ts';
import { cutSteps } from './commands/cuts.ts';
import { begin, sessionSteps } from './commands/sessions.ts';
import { snapshotSteps } from './commands/snapshots.ts';
import { emptyState } from './state.ts';
import { World } from './world.ts';

const steps: fc.Arbitrary<Step> = fc.oneof(
  ...sessionSteps,
  ...snapshotSteps.filter(({ restarts }) => !restarts),
  ...cutSteps,
  { weight: 8, arbitrary: chat },
);

describe.each(TRANSPORTS)('two runs with one seed, clock and list of requests %s', (transport) => {
  it('answer with the same bodies and request ids', async () => {
    const folder = temporaryFolder();
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await fc.assert(
      fc.asyncProperty(fc.commands([steps], { maxCommands: 30, size: 'max' }), async (commands) => {
        const first = await World.open(folder, 'in process');
        try {
          const state = emptyState();
          await begin(state, first);
          await fc.asyncModelRun(() => ({ model: state, real: first }), commands);
        } finally {
          await first.close();
        }
        const second = await World.open(folder, transport);
        try {
          for (const { request, script, reply } of first.exchanges) {
            second.script = script;
            const again = await second.api.send(...request);
            expect(again.text).toBe(reply.text);
            for (const name of ['msh-request-id', 'etag']) {
              expect(again.headers.get(name)).toBe(reply.headers.get(name));
            }
          }
        } finally {
          await second.close();
        }
      }),
      { numRuns: runs(2) },
    );
    vi.restoreAllMocks();
  });
});
