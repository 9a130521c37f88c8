import type { Database } from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../emulator/store/database.ts';
import { CommitQueue } from '../../emulator/store/store.ts';
import { runs } from '../support/runs.ts';

/** What one change does: a note of so many bytes, and perhaps a refusal once it is written. */
interface Change {
  bytes: number;
  refused: boolean;
}

const change: fc.Arbitrary<Change> = fc.record({
  bytes: fc.constantFrom(10, 500, 20_000),
  refused: fc.nat(4).map((value) => value === 0),
});

describe('changes that share a commit', () => {
  it('take effect one by one: all of those that are told so, nothing of the others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        const database = openDatabase(':memory:');
        const told = await makeAll(database, changes);
        expect(told).toEqual(changes.map(({ refused }) => !refused));
        expect(stored(database)).toEqual(told.flatMap((taken, place) => (taken ? [place] : [])));
        database.close();
      }),
      { numRuns: runs(30) },
    );
  });

  it('are told the truth where the disk is full in the middle', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), fc.nat(12), async (changes, room) => {
        const database = openDatabase(':memory:');
        const pages = Number(database.pragma('page_count', { simple: true }));
        database.pragma(`max_page_count = ${pages + room}`);
        const told = await makeAll(database, changes);
        expect(stored(database)).toEqual(told.flatMap((taken, place) => (taken ? [place] : [])));
        database.close();
      }),
      { numRuns: runs(100) },
    );
  });
});

/** Makes the changes at once, and whether each was told that it had taken effect. */
async function makeAll(database: Database, changes: readonly Change[]): Promise<boolean[]> {
  const queue = new CommitQueue(database);
  const insert = database.prepare('INSERT INTO toolsets (tools, tokens) VALUES (?, ?)');
  const told = changes.map(({ bytes, refused }, place) =>
    queue.add(() => {
      insert.run('x'.repeat(bytes), place);
      if (refused) throw new Error('refused');
    }),
  );
  return (await Promise.allSettled(told)).map(({ status }) => status === 'fulfilled');
}

function stored(database: Database): number[] {
  return database.prepare<[], number>('SELECT tokens FROM toolsets ORDER BY id').pluck().all() as number[];
}
