import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpPost, load } from './http-load.ts';
import { startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

const CLIENTS = 16;
const TOTAL = 8_000;
const ROUNDS = 3;
const TEXT = 'The agent reads a file, finds the failing test and writes down what it has learned. '
  .repeat(5)
  .slice(0, 400);
const BODY = JSON.stringify({ role: 'user', content: TEXT });

/** Appends of 400 characters over HTTP, against a bare Hono + better-sqlite3 insert route on the same machine. */
const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const rates: Record<'bare' | 'emulator', number[]> = { bare: [], emulator: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  rates.bare.push(await bare(round));
  rates.emulator.push(await emulator(round));
}
rmSync(folder, { recursive: true });
const best = { bare: Math.max(...rates.bare), emulator: Math.max(...rates.emulator) };
const rows: Row[] = [
  { name: 'bare insert route, requests/s', value: best.bare },
  {
    name: 'append, requests/s',
    value: best.emulator,
    ratio: best.emulator / best.bare,
    target: '>= 0.6',
    ok: best.emulator / best.bare >= 0.6,
  },
];
printTable(`append of 400 characters, ${CLIENTS} clients, best of ${ROUNDS} rounds of ${TOTAL}`, rows);

async function bare(round: number): Promise<number> {
  const server = await startServer(['bench/rivals/bare-insert.mjs', join(folder, `bare-${round}.db`)]);
  const request = httpPost('/append', BODY);
  await load(server.port, CLIENTS, 1_000, () => request);
  const { perSecond } = await load(server.port, CLIENTS, TOTAL, () => request);
  await server.stop();
  return perSecond;
}

/** Every client has a session of its own, as agents have; the window is big enough for all its writes. */
async function emulator(round: number): Promise<number> {
  const db = join(folder, `emulator-${round}.db`);
  const flags = ['--json', '--port', '0', '--limit', 'window_tokens=4000000', '--db', db];
  const server = await startServer(['dist/emulator/cli/main.js', ...flags]);
  const paths: string[] = [];
  for (let client = 0; client < CLIENTS; client += 1) {
    const { last } = await load(server.port, 1, 1, () => httpPost('/v1/sessions', '{}'));
    paths.push(`/v1/sessions/${/"id":"(sess_\w+)"/.exec(last)?.[1]}/messages`);
  }
  const requests = paths.map((path) => httpPost(path, BODY));
  const make = (client: number): string => requests[client] ?? '';
  await load(server.port, CLIENTS, 1_000, make);
  const { perSecond } = await load(server.port, CLIENTS, TOTAL, make);
  await server.stop();
  return perSecond;
}
