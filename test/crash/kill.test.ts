import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { ServerProcess } from '../cli/server-process.ts';
import { temporaryFolder } from '../store/files.ts';
import { slice } from '../support/slice.ts';
import { Client } from './client.ts';

/** A third of twelve at each commit; more on demand: KIMI_CRASH_ROUNDS=50. */
const ROUNDS = Number(process.env.KIMI_CRASH_ROUNDS ?? slice(Array.from({ length: 12 }), 3).length);
/** However long a loaded machine takes for a round. */
const MOST_MS = ROUNDS * 120_000 + 60_000;
const CLIENTS = 6;
const MOST_ANSWERS = 30;
/** Turns of the event loop, some tens of milliseconds at most: the kill is not to follow an answer, but to fall anywhere. */
const MOST_TURNS = 10_000;
const LIMITS = ['window_tokens=100000', 'min_preserve_tokens=64'];
/** Rounds that sessions live through before new ones take their place, so that windows stay of a size. */
const LIFETIME = 5;

it(
  'a server killed at any moment under load loses no acknowledged write and keeps no partial one',
  async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'state.db');
    const args = ['--db', path, ...LIMITS.flatMap((limit) => ['--limit', limit])];
    const newClients = () => Array.from({ length: CLIENTS }, (_, place) => new Client(place % 2 === 0));
    let clients = newClients();
    for (let round = 0; round <= ROUNDS; round += 1) {
      const { server, ready } = await ServerProcess.listening(args);
      await Promise.all(clients.map((client) => client.connect(ready.base_url)));
      if (round > 0) await Promise.all(clients.map((client) => client.verify()));
      if (round % LIFETIME === LIFETIME - 1) {
        clients = newClients();
        await Promise.all(clients.map((client) => client.connect(ready.base_url)));
      }
      if (round === ROUNDS) {
        expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
        break;
      }
      // A moment is a number of answers, so that it falls into work on any machine.
      let left = 1 + Math.floor(Math.random() * MOST_ANSWERS);
      const acknowledged = () => {
        left -= 1;
        if (left === 0) void afterTurns(Math.random() * MOST_TURNS).then(() => server.signal('SIGKILL'));
      };
      await Promise.all(clients.map((client) => client.work(acknowledged)));
      expect(await server.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
      expectIntegrity(path, join(folder, `copy-${round}`));
    }
  },
  MOST_MS,
);

async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await setImmediate();
}

/** Looks at a copy, so that the restart has to cope with the very files that the kill left. */
function expectIntegrity(path: string, copy: string): void {
  mkdirSync(copy);
  for (const suffix of ['', '-wal']) {
    if (existsSync(path + suffix)) copyFileSync(path + suffix, join(copy, `state.db${suffix}`));
  }
  const database = new Database(join(copy, 'state.db'));
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  database.close();
}
