import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import { Store } from '../../emulator/store/store.ts';
import { furnish } from '../state/files.ts';
import { readable } from '../state/readable.ts';
import { Api } from '../support/emulator.ts';
import { temporaryFolder } from './files.ts';

const KEYS = ['sk-test'];
const note = { role: 'user', content: 'A note.' };

it('the baseline survives a restart and garbage collection', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const { session, kept } = await using(path, async (api) => {
    const ids = await furnish(api);
    await api.post(`/v1/sessions/${ids.session}/messages`, note);
    api.emulator.state.saveBaseline();
    return { ...ids, kept: await readable(api, KEYS) };
  });
  for (const spoil of ['truncate', 'delete', 'write']) {
    await using(path, async (api) => {
      if (spoil === 'truncate') await api.post(`/v1/sessions/${session}/truncate`, { preserve_len: 64 });
      if (spoil === 'write') await api.post(`/v1/sessions/${session}/messages`, note);
      if (spoil !== 'delete') return;
      const { body } = await api.get<{ data: { id: string }[] }>('/v1/snapshots');
      for (const { id } of body.data) await api.delete(`/v1/snapshots/${id}`);
      await api.delete(`/v1/sessions/${session}`);
      expect(await readable(api, KEYS)).toEqual({ 'sk-test /v1/sessions': [], 'sk-test /v1/snapshots': [] });
    });
    collect(path);
    await using(path, async (api) => {
      api.emulator.state.reset();
      expect(await readable(api, KEYS)).toEqual(kept);
    });
  }
});

it('a reset leaves no rows behind, nor does a replaced baseline', async () => {
  const path = join(temporaryFolder(), 'state.db');
  await using(path, async (api) => {
    await furnish(api);
    api.emulator.state.saveBaseline();
    await api.post('/v1/sessions', {}, { headers: { 'Idempotency-Key': 'once' } });
    for (const { id } of (await api.get<{ data: { id: string }[] }>('/v1/snapshots')).body.data) {
      await api.delete(`/v1/snapshots/${id}`);
    }
    for (const { id } of (await api.get<{ data: { id: string }[] }>('/v1/sessions')).body.data) {
      await api.delete(`/v1/sessions/${id}`);
    }
    api.emulator.state.saveBaseline();
    await furnish(api);
    await api.post('/v1/sessions', {}, { headers: { 'Idempotency-Key': 'twice' } });
    api.emulator.state.reset();
  });
  collect(path);
  const database = new Database(path, { readonly: true });
  const tables = ['sessions', 'snapshots', 'segments', 'entries', 'messages', 'toolsets', 'answers', 'kept_sessions'];
  for (const table of tables) {
    expect(database.prepare(`SELECT count(*) AS count FROM ${table}`).get(), table).toEqual({ count: 0 });
  }
  database.close();
});

async function using<Result>(db: string, work: (api: Api) => Promise<Result>): Promise<Result> {
  const emulator = createEmulator({ database: db, limits: { min_preserve_tokens: 64 } });
  try {
    return await work(new Api(emulator, 'in process'));
  } finally {
    await emulator.close();
  }
}

/** Removes all that nothing points to. */
function collect(path: string): void {
  const store = new Store(path);
  while (store.collector.slice());
  store.close();
}
