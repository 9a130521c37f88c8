import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from './processes.ts';
import { Clients, compare, inTurn, ROUNDS_TEXT } from './rounds.ts';
import { printTable } from './table.ts';

const CLIENTS = 16;
const TEXT = 'The agent reads a file, finds the failing test and writes down what it has learned. '
  .repeat(5)
  .slice(0, 400);
const BODY = JSON.stringify({ role: 'user', content: TEXT });

/**
 * Appends of 400 characters over HTTP, against a bare Hono + better-sqlite3 insert route on the same machine. Every client has a
 * session of its own, as agents have; the window is big enough for all its writes.
 */
const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const clients = new Clients(CLIENTS);
const flags = ['--json', '--port', '0', '--limit', 'window_tokens=4000000', '--db', join(folder, 'emulator.db')];
const emulator = await startServer(['dist/emulator/cli/main.js', ...flags]);
const bare = await startServer(['bench/rivals/bare-insert.mjs', join(folder, 'bare.db')]);
const paths = await Promise.all(
  Array.from({ length: CLIENTS }, async () => {
    const { id } = JSON.parse(await clients.ask(emulator.port, { path: '/v1/sessions', body: '{}' })) as { id: string };
    return `/v1/sessions/${id}/messages`;
  }),
);
const seen = await inTurn(clients, {
  emulator: { server: emulator, make: (client) => ({ path: paths[client] ?? '', body: BODY }) },
  bare: { server: bare, make: () => ({ path: '/append', body: BODY }) },
});
clients.close();
await Promise.all([emulator, bare].map((server) => server.stop()));
rmSync(folder, { recursive: true });
const rows = compare('append, × a bare insert', [seen('emulator'), seen('bare')], { least: 0.8, most: 1.6 });
printTable(`append of ${TEXT.length} characters, ${CLIENTS} clients, ${ROUNDS_TEXT}`, rows);
if (rows.some(({ ok }) => ok === false)) process.exitCode = 1;
