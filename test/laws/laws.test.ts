import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../store/files.ts';
import { TRANSPORTS, type Transport } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import type { Step } from './command.ts';
import { chatSteps } from './commands/chat.ts';
import { cutSteps } from './commands/cuts.ts';
import { begin, sessionSteps } from './commands/sessions.ts';
import { snapshotSteps } from './commands/snapshots.ts';
import { expectWorld } from './expectations.ts';
import { emptyState, type State } from './state.ts';
import { World } from './world.ts';

const RUNS: Record<Transport, number> = { 'in process': 10, 'over HTTP': 2 };
const steps: fc.Arbitrary<Step> = fc.oneof(...sessionSteps, ...snapshotSteps, ...cutSteps, ...chatSteps);

describe.each(TRANSPORTS)('the laws %s', (transport) => {
  it('hold after any sequence of operations, collected or not, and nothing is left of what is deleted', async () => {
    const folder = temporaryFolder();
    const complained = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await fc.assert(
      fc.asyncProperty(fc.commands([steps], { maxCommands: 60, size: 'max' }), async (commands) => {
        const world = await World.open(folder, transport);
        try {
          const state = emptyState();
          await begin(state, world);
          await fc.asyncModelRun(() => ({ model: state, real: world }), commands);
          await expectWorld(world, state);
          await world.restart();
          await expectWorld(world, state);
          await removeEverything(world, state);
          await world.collect();
          expect(countRows(world)).toEqual({ segments: 0, entries: 0, messages: 0, toolsets: 0 });
        } finally {
          await world.close();
        }
      }),
      { numRuns: runs(RUNS[transport]) },
    );
    for (const [said] of complained.mock.calls) expect(said).toContain('unexpected error');
    complained.mockRestore();
  });
});

async function removeEverything(world: World, { sessions, snapshots }: State): Promise<void> {
  for (const { id, account: key } of sessions) await world.api.delete(`/v1/sessions/${id}`, { key });
  for (const { id, account: key } of snapshots) await world.api.delete(`/v1/snapshots/${id}`, { key });
}

function countRows(world: World): Record<string, number> {
  const database = new Database(world.path, { readonly: true });
  const tables = ['segments', 'entries', 'messages', 'toolsets'];
  const count = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  try {
    return Object.fromEntries(tables.map((table) => [table, count(table)]));
  } finally {
    database.close();
  }
}
