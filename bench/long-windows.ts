import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmulator, type Emulator } from '../emulator/index.ts';
import { longestHold, processorMs } from './longest-hold.ts';
import { median, residentMiB, startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

const RUNS = Number(process.env.KIMI_BENCH_RUNS ?? 200);
const SESSIONS = Number(process.env.KIMI_BENCH_SESSIONS ?? 20);
const WINDOW = 1_048_576;
const HEADERS = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
const SENTENCES = [
  'The agent reads a file and writes down what it has learned.',
  'The harbour master asked for the list of the boats that left on Tuesday.',
  'A test failed in the parser, because a quote was not closed.',
  'She lives near the river now, and takes the early train to work.',
];

/** Windows of 1,048,576 tokens on kimi-k3, with reasoning in them: processor time in one process, without the network. */
const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const database = join(folder, 'state.db');
const emulator = createEmulator({ database, limits: { snapshots: 1_000_000, sessions: 1_000_000 } });
let target: Pick<Emulator, 'baseURL' | 'fetch'> = emulator;
const small = await windowOf(4_096);
const cutSmall = await windowOf(16_384);
const full = await windowOf(WINDOW - 8_192);
const rows: Row[] = [];
for (const [name, once] of Object.entries({ snapshot, rollback, fork })) {
  ratioRow(name, await repeat(() => once(small)), await repeat(() => once(full)));
}
ratioRow(
  'truncate to 4,096 (from 16K, 1M)',
  await repeat(() => truncate(cutSmall)),
  await repeat(() => truncate(full)),
);
limitRow('chat turn, ms to its first byte', await medianTurn(full), 120);
// The first one loads the code, which tsx translates only then.
await post(`/sessions/${cutSmall.session}/compress`, {});
const before = processorMs();
const held = await longestHold(() => post(`/sessions/${full.session}/compress`, {}));
limitRow('compress to a quarter, ms of processor time', processorMs() - before, 2_200);
limitRow('compress, longest hold of the event loop, ms', held, 50);
await emulator.close();
const flags = ['--json', '--port', '0', '--db', join(folder, 'server.db')];
const server = await startServer(['dist/emulator/cli/main.js', ...flags]);
target = { baseURL: `http://127.0.0.1:${server.port}/v1`, fetch };
for (let session = 0; session < SESSIONS; session += 1) await windowOf(WINDOW - 8_192);
limitRow(
  `a server with ${SESSIONS} full windows on disk, MiB resident`,
  await residentMiB(server.process.pid ?? 0),
  300,
);
await server.stop();
printTable(`kimi-k3, windows of ${WINDOW.toLocaleString('en-US')} tokens; medians of ${RUNS} against 4K`, rows);
rmSync(folder, { recursive: true });

interface Prepared {
  session: string;
  snapshot: string;
}

function ratioRow(name: string, less: number, more: number): void {
  const ratio = more / less;
  rows.push({ name, value: `${less.toFixed(3)} → ${more.toFixed(3)}`, ratio, target: '<= 1.25 ×', ok: ratio <= 1.25 });
}

function limitRow(name: string, value: number, most: number): void {
  rows.push({ name, value, target: `<= ${most}`, ok: value <= most });
}

/** A session whose window holds close to `tokens`: questions, and answers with reasoning. */
async function windowOf(tokens: number): Promise<Prepared> {
  const { id } = await post('/sessions', { model: 'kimi-k3' });
  const session = String(id);
  for (let used = 0, size = 0, turn = 0; used + size <= tokens; turn += 1) {
    const text = Array.from({ length: 90 }, (_, place) => `${SENTENCES[(turn + place) % 4]} (${turn}.${place})`).join(
      ' ',
    );
    const messages = [
      { role: 'user', content: text },
      { role: 'assistant', content: text.slice(0, 2_000), reasoning_content: text.slice(2_000, 4_000) },
    ];
    size = Number((await post(`/sessions/${session}/messages`, { messages })).tokens);
    used += size;
  }
  return { session, snapshot: String((await post(`/sessions/${session}/snapshots`, {})).id) };
}

async function snapshot({ session }: Prepared): Promise<void> {
  const { id } = await post(`/sessions/${session}/snapshots`, { preserve_len: 4_096 });
  await remove(`/snapshots/${id}`);
}

async function rollback({ session, snapshot: snapshot_id }: Prepared): Promise<void> {
  await post(`/sessions/${session}/rollback`, { snapshot_id });
}

async function fork({ snapshot: snapshot_id }: Prepared): Promise<void> {
  await remove(`/sessions/${(await post('/sessions', { snapshot_id })).id}`);
}

async function truncate({ session, snapshot: snapshot_id }: Prepared): Promise<void> {
  await post(`/sessions/${session}/rollback`, { snapshot_id });
  await post(`/sessions/${session}/truncate`, { preserve_len: 4_096 });
  await post(`/sessions/${session}/rollback`, { snapshot_id });
}

async function medianTurn({ session }: Prepared): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    const messages = [{ role: 'user', content: 'Reply exactly OK' }];
    const body = { model: 'kimi-k3', session_id: session, messages, stream: true, max_completion_tokens: 64 };
    const started = processorMs();
    const response = await send('POST', '/chat/completions', body);
    const reader = response.body?.getReader();
    await reader?.read();
    times.push(processorMs() - started);
    while (!(await reader?.read())?.done);
  }
  return median(times);
}

/** Median of processor time: what else the machine does is not counted. */
async function repeat(once: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const started = processorMs();
    await once();
    times.push(processorMs() - started);
  }
  return median(times);
}

function send(method: string, path: string, body?: object): Promise<Response> {
  return target.fetch(target.baseURL + path, { method, headers: HEADERS, ...(body && { body: JSON.stringify(body) }) });
}

async function answered(response: Response): Promise<Record<string, unknown>> {
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  return answered(await send('POST', path, body));
}

async function remove(path: string): Promise<void> {
  await send('DELETE', path);
}
