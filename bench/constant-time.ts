import { createEmulator, type Emulator } from '../emulator/index.ts';
import { median } from './processes.ts';
import { printTable, type Row } from './table.ts';

const RUNS = Number(process.env.KIMI_BENCH_RUNS ?? 1_000);
const HEADERS = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
const MAX_RATIO = 1.5;
const MAX_MS = 2;

/** Snapshot, rollback, fork and truncate on small and on full windows: medians at the server, without the network. */
const small = await windowOf(4_096);
const full = await windowOf(262_144 - 64);
const cutSmall = await windowOf(16_384);
const rows: Row[] = [];
for (const [name, measure] of Object.entries({ snapshot, rollback, fork })) {
  rows.push(row(name, await measure(small), await measure(full)));
}
rows.push(row('truncate to 4,096 (from 16K, 256K)', await truncate(cutSmall), await truncate(full)));
printTable(`medians of ${RUNS}, ms at the server: window of 4K against 256K`, rows);
await Promise.all([small, full, cutSmall].map(({ emulator }) => emulator.close()));

interface Prepared {
  emulator: Emulator;
  session: string;
  snapshot: string;
}

function row(name: string, less: number, more: number): Row {
  const ratio = more / less;
  return {
    name,
    value: `${less.toFixed(3)} → ${more.toFixed(3)}`,
    ratio,
    target: `<= ${MAX_RATIO}, < ${MAX_MS} ms`,
    ok: ratio <= MAX_RATIO && more < MAX_MS,
  };
}

/** A session whose window holds close to `tokens`, in messages of some 500 tokens. */
async function windowOf(tokens: number): Promise<Prepared> {
  const emulator = createEmulator({ limits: { snapshots: 1_000_000, sessions: 1_000_000 } });
  const { body } = await post(emulator, '/sessions', {});
  const session = String(body.id);
  const content = 'The agent reads a file and writes down what it has learned. '.repeat(40);
  for (let used = 0, size = 0; used + size <= tokens; ) {
    const { body: appended } = await post(emulator, `/sessions/${session}/messages`, { role: 'user', content });
    size = Number(appended.tokens);
    used += size;
  }
  const { body: taken } = await post(emulator, `/sessions/${session}/snapshots`, {});
  return { emulator, session, snapshot: String(taken.id) };
}

async function snapshot({ emulator, session }: Prepared): Promise<number> {
  return repeat(async () => {
    const { body, ms } = await post(emulator, `/sessions/${session}/snapshots`, { preserve_len: 4_096 });
    await remove(emulator, `/snapshots/${body.id}`);
    return ms;
  });
}

async function rollback({ emulator, session, snapshot: snapshot_id }: Prepared): Promise<number> {
  return repeat(async () => (await post(emulator, `/sessions/${session}/rollback`, { snapshot_id })).ms);
}

async function fork({ emulator, snapshot: snapshot_id }: Prepared): Promise<number> {
  return repeat(async () => {
    const { body, ms } = await post(emulator, '/sessions', { snapshot_id });
    await remove(emulator, `/sessions/${body.id}`);
    return ms;
  });
}

async function truncate({ emulator, session, snapshot: snapshot_id }: Prepared): Promise<number> {
  return repeat(async () => {
    await post(emulator, `/sessions/${session}/rollback`, { snapshot_id });
    return (await post(emulator, `/sessions/${session}/truncate`, { preserve_len: 4_096 })).ms;
  });
}

async function repeat(once: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) times.push(await once());
  return median(times);
}

/** The server's own time of a request, from its `Server-Timing`. */
async function post(
  emulator: Emulator,
  path: string,
  body: object,
): Promise<{ body: Record<string, unknown>; ms: number }> {
  const init = { method: 'POST', headers: HEADERS, body: JSON.stringify(body) };
  const response = await emulator.fetch(emulator.baseURL + path, init);
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return { body: answer, ms: Number(/dur=([\d.]+)/.exec(response.headers.get('server-timing') ?? '')?.[1]) };
}

async function remove(emulator: Emulator, path: string): Promise<void> {
  await emulator.fetch(emulator.baseURL + path, { method: 'DELETE', headers: HEADERS });
}
