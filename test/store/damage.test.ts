import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DatabaseError, openDatabase } from '../../emulator/store/database.ts';
import { Store } from '../../emulator/store/store.ts';
import { runs } from '../support/runs.ts';
import { fingerprint, temporaryFolder } from './files.ts';
import { toNewEntry } from './reference-window.ts';

const PAGE = 4_096;

describe('a damaged database', () => {
  it('is refused where it is cut short', () => {
    const sound = soundFile();
    const { folder, path } = place(sound);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer({ min: 1, max: sound.length - 1 }),
          fc.integer({ min: sound.length - PAGE, max: sound.length - 1 }),
        ),
        (length) => {
          writeFileSync(path, sound.subarray(0, length));
          expectUntouched(folder, path, true);
        },
      ),
      { numRuns: runs(60) },
    );
  });

  it('is refused where whole pages are something else', () => {
    const sound = soundFile();
    const { folder, path } = place(sound);
    const page = fc.nat(sound.length / PAGE - 1);
    fc.assert(
      fc.property(page, fc.uint8Array({ minLength: PAGE, maxLength: PAGE }), (at, bytes) => {
        const damaged = Uint8Array.from(sound);
        damaged.set(bytes, at * PAGE);
        writeFileSync(path, damaged);
        expectUntouched(folder, path, true);
      }),
      { numRuns: runs(60) },
    );
  });

  it('is refused or opened where single bytes are something else, and never written to', () => {
    const sound = soundFile();
    const { folder, path } = place(sound);
    const flip = fc.record({ at: fc.nat(sound.length - 1), by: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
        const damaged = Uint8Array.from(sound);
        for (const { at, by } of flips) damaged[at] = (damaged[at] ?? 0) ^ by;
        writeFileSync(path, damaged);
        expectUntouched(folder, path, false);
      }),
      { numRuns: runs(100) },
    );
  });

  it('is refused where it is nothing but noise', () => {
    const sound = soundFile();
    const { folder, path } = place(sound);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 2 * PAGE }), (bytes) => {
        writeFileSync(path, bytes);
        expectUntouched(folder, path, true);
      }),
      { numRuns: runs(60) },
    );
  });
});

function expectUntouched(folder: string, path: string, refused: boolean): void {
  const before = fingerprint(folder);
  let error: unknown;
  try {
    openDatabase(path).close();
  } catch (thrown) {
    error = thrown;
  }
  if (refused || error !== undefined) {
    expect(error).toBeInstanceOf(DatabaseError);
    expect((error as Error).message).toMatch(/^[^\n]+$/);
    expect(fingerprint(folder)).toEqual(before);
  }
}

function place(bytes: Uint8Array): { folder: string; path: string } {
  const folder = temporaryFolder();
  const path = join(folder, 'state.db');
  writeFileSync(path, bytes);
  return { folder, path };
}

/** A database of some twenty pages with something in every table that a window needs. */
function soundFile(): Buffer {
  const { path } = place(new Uint8Array());
  const store = new Store(path);
  const items = Array.from({ length: 200 }, (_, place) => {
    const id = `message ${place} `.repeat(8);
    const thought = { reasoning: 0, border: false };
    return toNewEntry({
      id,
      text: id,
      tokens: 5,
      ...thought,
      held: place === 0,
      system: place === 0,
      opensGroup: true,
    });
  });
  store.transaction(() => {
    const view = store.history.append(store.history.create(), items);
    const fields = { id: 'sess_1', account: 'a', model: 'm', title: null, metadata: {}, toolset: null, version: 1 };
    store.sessions.insert({ ...fields, calls: 0, forkedFrom: null, createdAt: 0, updatedAt: 0, view });
  });
  store.close();
  return readFileSync(path);
}
