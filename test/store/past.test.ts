import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import { Store } from '../../emulator/store/store.ts';
import { Api } from '../support/emulator.ts';
import { createSession, O200K, sized } from '../support/session.ts';
import { temporaryFolder } from './files.ts';

test('what a cut dropped is stored while a past window shows it, and collected by the next process', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const emulator = createEmulator({ database: path, tokenizer: O200K, limits: { min_preserve_tokens: 64 } });
  const session = await createSession(new Api(emulator, 'in process'));
  await session.append({ messages: Array.from({ length: 20 }, () => sized(100)) });
  expect((await session.truncate(400)).status).toBe(200);
  const { body } = await session.api.get(`/_emulator/inspect${session.path.slice('/v1'.length)}/window?at=2`);
  expect(body).toMatchObject({ items: { length: 20 } });
  await emulator.close();
  const store = new Store(path);
  while (store.collector.slice());
  const rows = store.portableRows();
  const [named = { id: '', account: '' }] = rows.sessions();
  const segment = store.sessions.find(named.account, named.id)?.view.segment ?? 0;
  const left = rows.entries(segment, 1, Number.MAX_SAFE_INTEGER, -1);
  store.close();
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(5);
});

test('a collector finds in past windows what no session shows, and nothing once they are forgotten', () => {
  const store = new Store(':memory:', 2);
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
  const fields = { id: 's', account: 'a', model: 'm', title: null, metadata: {}, toolset: null, calls: 0 };
  const times = { forkedFrom: null, createdAt: 1, updatedAt: 1, version: 1 };
  const written = store.history.append(store.history.create(), ['one', 'two', 'three'].map(entry));
  store.sessions.insert({ ...fields, ...times, view: written });
  const move = (view: typeof written) => {
    const row = store.sessions.find('a', 's');
    if (!row) throw new Error('the session is gone');
    const session = { ...row, view };
    store.sessions.update(session);
    store.collector.markDirty(view.segment);
    store.recordMoment({ kind: 'truncate', session }, 0);
  };
  const stored = () => {
    while (store.collector.slice());
    return store
      .portableRows()
      .entries(written.segment, 1, 9, -1)
      .map(({ id }) => id);
  };
  move(written);
  move(store.history.measure({ ...written, floor: 2 }));
  expect(stored()).toEqual(['one', 'two', 'three']);
  // Two moments are kept: the first of the three no longer is.
  move(store.history.measure({ ...written, floor: 3 }));
  expect(stored()).toEqual(['two', 'three']);
  store.reset();
  expect(stored()).toEqual([]);
  store.close();
});
