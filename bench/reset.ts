import { createEmulator, type Emulator } from '../emulator/index.ts';
import { median } from './processes.ts';
import { printTable, type Row } from './table.ts';

const RUNS = Number(process.env.KIMI_BENCH_RUNS ?? 15);
const HEADERS = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
const WINDOWS = 100;
const SNAPSHOTS = 1_000;
const MAX_MS = 5;
/** 15 messages of some 500 tokens: close to what one append may hold. */
const WRITE = {
  messages: Array.from({ length: 15 }, () => ({
    role: 'user',
    content: 'The agent reads a file and writes down what it has learned. '.repeat(40),
  })),
};
const NOTE = { role: 'user', content: 'A note.' };

/** What a reset costs, whatever the state; and what a test pays for an emulator of its own. */
const rows: Row[] = [];
await measure('create an emulator', async () => {
  let emulator: Emulator | undefined;
  const ms = processorMs(() => {
    emulator = createEmulator();
  });
  await emulator?.close();
  return ms;
});

const small = createEmulator();
await post(small, '/sessions', { messages: [NOTE] });
small.state.saveBaseline();
await measure('small: to a kept session that was written to', async () => {
  const [session = ''] = await sessions(small);
  await post(small, `/sessions/${session}/messages`, NOTE);
  return reset(small);
});
await small.close();

const full = createEmulator();
const started = performance.now();
for (let window = 0; window < WINDOWS; window += 1) await fillWindow(full);
const filled = await sessions(full);
process.stderr.write(`filled ${WINDOWS} windows in ${((performance.now() - started) / 1_000).toFixed(1)} s\n`);
full.state.saveBaseline();
await measure(`${WINDOWS} full windows kept: nothing changed`, async () => reset(full));
await measure(`${WINDOWS} full windows kept: one written to`, async () => {
  await post(full, `/sessions/${filled[0]}/messages`, NOTE);
  return reset(full);
});
await measure(`${WINDOWS} full windows kept: all written to`, async () => {
  for (const session of filled) await post(full, `/sessions/${session}/messages`, NOTE);
  return reset(full);
});
await measure(`${WINDOWS} full windows kept: ${SNAPSHOTS / 10} snapshots taken`, async () => {
  await takeSnapshots(full, filled, SNAPSHOTS / 10);
  return reset(full);
});
await takeSnapshots(full, filled, SNAPSHOTS);
full.state.saveBaseline();
await measure(`the same with ${SNAPSHOTS} snapshots kept: one window written to`, async () => {
  await post(full, `/sessions/${filled[0]}/messages`, NOTE);
  return reset(full);
});
const file = await full.state.export();
await full.close();
await measure(
  `${WINDOWS} full windows, ${SNAPSHOTS} snapshots: to nothing`,
  async () => {
    const emulator = createEmulator();
    await emulator.state.import(file);
    const ms = reset(emulator);
    await emulator.close();
    return ms;
  },
  3,
);
printTable(
  `medians, ms of processor time (${RUNS} runs); exported, ${WINDOWS} windows are ${(file.length / 1e6).toFixed(0)} MB`,
  rows,
);

async function measure(name: string, run: () => Promise<number>, count = RUNS): Promise<void> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await run());
  const ms = median(times);
  rows.push({ name, value: ms, target: `<= ${MAX_MS}`, ok: ms <= MAX_MS });
}

function reset(emulator: Emulator): number {
  return processorMs(() => emulator.state.reset());
}

/** Of the processor's time, since others work on the machine as well. */
function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

async function fillWindow(emulator: Emulator): Promise<void> {
  const { id } = await post(emulator, '/sessions', {});
  for (let used = 0, size = 0; used + size < 262_000; ) {
    const { tokens } = await post(emulator, `/sessions/${id}/messages`, WRITE);
    size = Number(tokens);
    used += size;
  }
}

async function takeSnapshots(emulator: Emulator, ids: readonly string[], count: number): Promise<void> {
  for (let taken = 0; taken < count; taken += 1)
    await post(emulator, `/sessions/${ids[taken % ids.length]}/snapshots`, {});
}

async function sessions(emulator: Emulator): Promise<string[]> {
  const response = await emulator.fetch(`${emulator.baseURL}/sessions?limit=100`, { headers: HEADERS });
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data.map(({ id }) => id);
}

async function post(emulator: Emulator, path: string, body: object): Promise<Record<string, unknown>> {
  const init = { method: 'POST', headers: HEADERS, body: JSON.stringify(body) };
  const response = await emulator.fetch(emulator.baseURL + path, init);
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}
