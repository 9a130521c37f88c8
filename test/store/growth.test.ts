import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import { Store } from '../../emulator/store/store.ts';
import { Api } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import { createSession, MovableClock, O200K, sized, tool } from '../support/session.ts';
import { temporaryFolder } from './files.ts';

const ROUNDS = 350;
const KEPT_SNAPSHOTS = 3;
/** Pages that may lie free before they are given back, the file's own tables, and what the collector has not reached. */
const SLACK_BYTES = 1_500_000;

describe('the file', () => {
  it('does not grow with what was cut off and deleted', async () => {
    const path = join(temporaryFolder(), 'state.db');
    const emulator = createEmulator({
      database: path,
      tokenizer: O200K,
      limits: { min_preserve_tokens: 64 },
      history: 4,
    });
    const session = await createSession(new Api(emulator, 'in process'));
    const snapshots: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await session.append({ messages: Array.from({ length: 16 }, () => sized(500)) });
      const taken = await session.snapshot({ preserve_len: 2_000 });
      if (round % 10 === 9) await session.rollback(taken.body.id);
      expect((await session.truncate(3_000)).status).toBe(200);
      if (round % 25 === 24) await session.compress({ ratio: 2 });
      snapshots.push(taken.body.id);
      const old = snapshots.length > KEPT_SNAPSHOTS ? snapshots.shift() : undefined;
      if (old) expect((await session.api.delete(`/v1/snapshots/${old}`)).status).toBe(200);
    }
    await emulator.close();
    const live = compactBytes(path);
    const written = ROUNDS * 16 * 1_000;
    expect(written).toBeGreaterThan(2 * (live + SLACK_BYTES));
    expect(statSync(path).size).toBeLessThan(live + SLACK_BYTES);
  });

  it('gives back what a deleted session took', async () => {
    const path = join(temporaryFolder(), 'state.db');
    const emulator = createEmulator({ database: path, tokenizer: O200K });
    const session = await createSession(new Api(emulator, 'in process'));
    const messages = Array.from({ length: 32 }, () => ({
      role: 'user' as const,
      content: ' international'.repeat(240),
    }));
    for (let count = 0; count < 30; count += 1) expect((await session.append({ messages })).status).toBe(200);
    expect((await session.api.delete(session.path)).status).toBe(200);
    await emulator.close();
    expect(statSync(path).size).toBeGreaterThan(2 * SLACK_BYTES);
    const store = new Store(path);
    while (store.collector.slice());
    // While it is open, not only once it is closed.
    expect(statSync(path).size).toBeLessThan(SLACK_BYTES);
    store.close();
    expect(statSync(path).size).toBeLessThan(SLACK_BYTES);
  });

  it('does not keep tools that were replaced, other than those that a snapshot has', async () => {
    const path = join(temporaryFolder(), 'state.db');
    const emulator = createEmulator({ database: path, tokenizer: O200K, model: saying('OK'), history: 0 });
    const session = await createSession(new Api(emulator, 'in process'), { tools: [tool('first')] });
    await session.snapshot();
    for (let count = 0; count < 5; count += 1) {
      expect((await session.post('', { tools: [tool(`updated${count}`)] })).status).toBe(200);
      expect((await session.chat([sized(9)], { tools: [tool(`brought${count}`)] })).status).toBe(200);
    }
    await emulator.close();
    expect(stored(path, 'SELECT tools FROM toolsets ORDER BY id').map(toolNames)).toEqual([['first'], ['brought4']]);
  });

  it('does not keep answers longer than their keys are remembered', async () => {
    const path = join(temporaryFolder(), 'state.db');
    const clock = new MovableClock();
    const emulator = createEmulator({ database: path, tokenizer: O200K, clock, limits: { idempotency_seconds: 60 } });
    const session = await createSession(new Api(emulator, 'in process'));
    const write = (key: string) => session.append(sized(10), { 'Idempotency-Key': key });
    const first = await write('0');
    for (let count = 1; count < 200; count += 1) await write(`${count}`);
    expect((await write('0')).text).toBe(first.text);

    clock.passSeconds(60);
    const again = await write('0');
    expect(again.headers.get('idempotent-replayed')).toBeNull();
    expect(again.body.version).toBe(first.body.version + 200);
    for (let count = 1; count < 5; count += 1) await write(`${count}`);
    await emulator.close();
    expect(stored(path, 'SELECT key FROM answers')).toHaveLength(5);
  });
});

/** What the file would take with nothing but live rows in it. */
function compactBytes(path: string): number {
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  const database = new Database(copy);
  database.exec('VACUUM');
  database.close();
  return statSync(copy).size;
}

/** One column of what a file holds. */
function stored(path: string, query: string): unknown[] {
  const database = new Database(path, { readonly: true });
  const found = database.prepare(query).pluck().all();
  database.close();
  return found;
}

function toolNames(tools: unknown): string[] {
  return (JSON.parse(String(tools)) as ReturnType<typeof tool>[]).map((each) => each.function.name);
}
