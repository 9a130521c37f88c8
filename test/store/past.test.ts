import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Store } from '../../emulator/store/store.ts';
import { temporaryFolder } from './files.ts';

const FIELDS = { id: 's', account: 'a', model: 'm', title: null, metadata: {}, toolset: null, calls: 0 };
const TIMES = { forkedFrom: null, createdAt: 1, updatedAt: 1, version: 1 };

/** A session of three messages in a store that keeps two moments. */
function threeMessages(path: string) {
  const store = new Store(path, 2);
  const entry = (text: string) => ({
    message: {
      id: text,
      body: { role: 'user' as const, content: text },
      truncated: false,
      summary: false,
      createdAt: 1,
    },
    tokens: 10,
    reasoning: 0,
    border: false,
    pinned: false,
    held: false,
    opensGroup: true,
  });
  const written = store.history.append(store.history.create(), ['one', 'two', 'three'].map(entry));
  store.sessions.insert({ ...FIELDS, ...TIMES, view: written });
  /** Cuts the window, and lets the collector run. */
  const cutTo = (floor: number): string[] => {
    const row = store.sessions.find('a', 's');
    if (!row) throw new Error('the session is gone');
    const session = { ...row, view: store.history.measure({ ...written, floor }) };
    store.sessions.update(session);
    store.collector.markDirty(written.segment);
    store.recordMoment({ kind: 'truncate', session }, 0);
    return stored(store, written.segment);
  };
  return { store, segment: written.segment, cutTo };
}

/** Ids of the messages that the collector leaves in a segment. */
function stored(store: Store, segment: number): string[] {
  while (store.collector.slice());
  return store
    .portableRows()
    .entries(segment, 1, 9, -1)
    .map(({ id }) => id);
}

test('a collector keeps what past windows show, and nothing once they are forgotten', () => {
  const { store, segment, cutTo } = threeMessages(':memory:');
  expect(cutTo(1)).toEqual(['one', 'two', 'three']);
  expect(cutTo(2)).toEqual(['one', 'two', 'three']);
  // Two moments are kept: the first of the three no longer is.
  expect(cutTo(3)).toEqual(['two', 'three']);
  store.reset();
  expect(stored(store, segment)).toEqual([]);
  store.close();
});

test('what only past windows showed is collected by the next process', () => {
  const path = join(temporaryFolder(), 'state.db');
  const { store, segment, cutTo } = threeMessages(path);
  cutTo(1);
  expect(cutTo(3)).toEqual(['one', 'two', 'three']);
  store.close();
  const next = new Store(path);
  expect(stored(next, segment)).toEqual(['three']);
  next.close();
});
