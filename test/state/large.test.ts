import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect } from 'vitest';
import type { PortableState } from '../../emulator/state/schema.ts';
import { Store } from '../../emulator/store/store.ts';
import { temporaryFolder } from '../store/files.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { inTurn } from '../support/in-turn.ts';
import { sealed } from './files.ts';

const itInTurn = inTurn(2);

const CALLS = 20_000;
const MESSAGES = 20_000;
/** So many that a transaction does not keep them in memory. */
const SESSIONS = 60_000;
/** A slice takes some ten milliseconds, and each of these files hundreds. */
const LEAST_TURNS = 10;
const LEAST_PARTS = 5;
const ACCOUNT = createHash('sha256').update('sk-test').digest('hex');

type Body = PortableState['messages'][number]['body'];

/** How often the event loop comes round, for everybody else, before `work` is done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  let turns = 0;
  for (; !done; turns += 1) await nextTick();
  await ended;
  return turns;
}

const EMPTY = { segment: null, head: 0, floor: 1, tokens: 0, messages: 0 };

function sessionOf(id: string, window: PortableState['sessions'][number]['window']): PortableState['sessions'][number] {
  return {
    id: `sess_${id}`,
    account: ACCOUNT,
    model: 'kimi-k2-0905',
    title: null,
    metadata: {},
    toolset: null,
    version: 1,
    calls: 0,
    forked_from: null,
    created_at: 1,
    updated_at: 1,
    window,
  };
}

/** One session that shows these messages, of which those from `grouped` on are one group. */
function stateOf(bodies: readonly Body[], grouped = bodies.length): PortableState {
  const window = { segment: 0, head: bodies.length, floor: 1, tokens: bodies.length, messages: bodies.length };
  return {
    tokenizer: 'o200k_base',
    toolsets: [],
    messages: bodies.map((body, at) => ({ id: `msg_${at}`, created_at: 1, truncated: false, summary: false, body })),
    segments: [
      {
        parent: null,
        parent_seq: 0,
        entries: bodies.map((_, at) => ({
          seq: at + 1,
          message: at,
          tokens: 1,
          group: Math.min(at, grouped) + 1,
          pinned: false,
          held: false,
        })),
      },
    ],
    sessions: [sessionOf('large', window)],
    snapshots: [],
  };
}

function calledAndAnswered(count: number): Body[] {
  const ids = Array.from({ length: count }, (_, at) => `c:${at}`);
  const tool_calls = ids.map((id) => ({ id, type: 'function' as const, function: { name: 'look', arguments: '{}' } }));
  return [
    { role: 'assistant', content: null, tool_calls },
    ...ids.map((id): Body => ({ role: 'tool', content: 'nothing', tool_call_id: id })),
  ];
}

function said(count: number): Body[] {
  return Array.from({ length: count }, (_, at) => ({ role: 'user', content: `number ${at}` }));
}

const LONG_WINDOW = sealed(stateOf(said(MESSAGES)));

itInTurn('an import of one group of many calls takes linear time, and blocks no other request', async () => {
  const { emulator } = await startEmulator('in process');
  const file = sealed(stateOf(calledAndAnswered(CALLS), 0));
  expect(await turnsDuring(emulator.state.import(file))).toBeGreaterThan(LEAST_TURNS);
  expect(await emulator.state.export()).toBe(file);
});

itInTurn('an import of a long window blocks no other request', async () => {
  const { emulator } = await startEmulator('in process');
  expect(await turnsDuring(emulator.state.import(LONG_WINDOW))).toBeGreaterThan(LEAST_TURNS);
});

itInTurn('an import of more sessions than an account may hold is refused before any is written', async () => {
  const folder = temporaryFolder();
  const { emulator } = await startEmulator('in process', { database: join(folder, 'state.db') });
  const bytes = () => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const before = bytes();
  const sessions = Array.from({ length: SESSIONS }, (_, at) => sessionOf(`${at}`, EMPTY));
  const file = sealed({ ...stateOf([]), segments: [], sessions });
  await expect(emulator.state.import(file)).rejects.toThrow(`${SESSIONS} is more than 100 (sessions; see --limit)`);
  expect(bytes()).toBe(before);
});

itInTurn('a reset during an import aborts it, and nothing of it remains', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const { emulator } = await startEmulator('in process', { database: path });
  await expect(emulator.state.import('')).rejects.toThrow('is not a kimi-emulator-state');
  const taken = emulator.state.import(LONG_WINDOW);
  await nextTick();
  emulator.state.reset();
  await expect(taken).rejects.toThrow('the state was reset during the import');
  await emulator.close();
  const store = new Store(path);
  while (store.collector.slice());
  store.close();
  const database = new Database(path, { readonly: true });
  for (const table of ['messages', 'entries', 'segments']) {
    expect(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get(), table).toEqual({ rows: 0 });
  }
  database.close();
});

describe.each(TRANSPORTS)('an export of a long window %s', (transport) => {
  itInTurn('comes in parts, lets everything else go on, and is of the moment at which it was asked for', async () => {
    const api = await startEmulator(transport);
    await api.emulator.state.import(LONG_WINDOW);
    const answer = await api.open('GET', '/_emulator/export');
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(LONG_WINDOW)));
    const read: Uint8Array[] = [];
    for await (const part of answer.body ?? []) read.push(part);
    expect(read.length).toBeGreaterThan(LEAST_PARTS);
    expect(Buffer.concat(read).toString()).toBe(LONG_WINDOW);

    const parts = api.emulator.state.exportParts();
    const turns = turnsDuring(parts);
    await nextTick();
    await api.post('/v1/sessions/sess_large/messages', { role: 'user', content: 'behind it' });
    await api.delete('/v1/sessions/sess_large');
    expect(await turns).toBeGreaterThan(LEAST_TURNS);
    expect((await parts).length).toBeGreaterThan(LEAST_PARTS);
    for (const { length } of await parts) expect(length).toBeLessThan(LONG_WINDOW.length / LEAST_PARTS);
    expect(Buffer.concat(await parts).toString()).toBe(LONG_WINDOW);
  });
});
