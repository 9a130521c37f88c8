import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmulator, type Emulator } from '../emulator/index.ts';
import { exponentOf } from './fit.ts';
import { median } from './processes.ts';
import { printTable, type Row } from './table.ts';

/** What no cost may grow by across a range. */
const MOST = 1.3;
const RUNS = 9;
const EACH = 40;
const KEYS = Number(process.env.KIMI_BENCH_KEYS ?? 100_000);
const LIMITS = { window_tokens: 16_777_216, snapshots: 100_000 };

/** What requests cost against how much there is of something, in this process: ms of processor time, with the exponent that fits best. */
const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const rows: Row[] = [];
let place = 0;

class Server {
  readonly emulator: Emulator;
  session = '';

  constructor(journal?: { entries: number }) {
    const database = join(folder, `${place++}.db`);
    this.emulator = createEmulator({ database, limits: LIMITS, tokenizer: 'o200k_base', ...(journal && { journal }) });
  }

  async send(method: string, path: string, body?: object, more: Record<string, string> = {}): Promise<{ id: string }> {
    const headers = { Authorization: `Bearer ${more.key ?? 'sk-bench'}`, 'Content-Type': 'application/json', ...more };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await this.emulator.fetch(`${this.emulator.baseURL}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return JSON.parse(text) as { id: string };
  }

  async open(): Promise<this> {
    this.session = (await this.send('POST', '/sessions', {})).id;
    return this;
  }

  append(content = 'The agent writes down what it has learned.'): Promise<{ id: string }> {
    return this.send('POST', `/sessions/${this.session}/messages`, { role: 'user', content });
  }

  readonly operations: Record<string, () => Promise<unknown>> = {
    append: () => this.append(),
    list: () => this.send('GET', `/sessions/${this.session}/messages?limit=20&order=desc`),
    snapshot: () => this.send('POST', `/sessions/${this.session}/snapshots`, {}),
    truncate: () => this.send('POST', `/sessions/${this.session}/truncate`, { preserve_len: 1_000_000 }),
    turn: () =>
      this.send('POST', '/chat/completions', {
        model: 'kimi-k2-0905-preview',
        messages: [{ role: 'user', content: 'Reply with only OK' }],
      }),
  };
}

/** Processor time of one operation, the least of some runs: what disturbs one run is not of the operation. */
async function costs(server: Server, names: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const name of names) {
    const operate = server.operations[name] ?? (async () => undefined);
    const times: number[] = [];
    for (let run = 0; run <= RUNS; run += 1) {
      const before = process.cpuUsage();
      for (let count = 0; count < EACH; count += 1) await operate();
      const { user, system } = process.cpuUsage(before);
      // The first run warms up.
      if (run > 0) times.push((user + system) / 1_000 / EACH);
    }
    found.set(name, median(times.toSorted((a, b) => a - b).slice(0, Math.ceil(RUNS / 2))));
  }
  return found;
}

/** @param grow makes what is there as much as the size says */
async function measure(
  name: string,
  sizes: readonly number[],
  grow: (server: Server, size: number) => Promise<void>,
  {
    operations = ['append', 'list', 'snapshot', 'turn'],
    journal,
  }: { operations?: string[]; journal?: { entries: number } } = {},
): Promise<void> {
  const server = await new Server(journal).open();
  await server.append();
  await costs(server, operations);
  const seen: { size: number; found: Map<string, number> }[] = [];
  for (const size of sizes) {
    await grow(server, size);
    seen.push({ size, found: await costs(server, operations) });
  }
  await server.emulator.close();
  const [first, last] = [seen[0], seen.at(-1)];
  for (const operation of operations) {
    const [from, to] = [first?.found.get(operation) ?? Number.NaN, last?.found.get(operation) ?? Number.NaN];
    const exponent = exponentOf(seen.map(({ size, found }) => [size, found.get(operation) ?? 1]));
    const value = `${from.toFixed(3)} → ${to.toFixed(3)}, exponent ${exponent.toFixed(3)}`;
    const range = `${sizes[0]?.toLocaleString('en-US')} → ${sizes.at(-1)?.toLocaleString('en-US')} ${name}`;
    rows.push({
      name: `${range}: ${operation}, ms`,
      value,
      ratio: to / from,
      target: `<= ${MOST}`,
      ok: to / from <= MOST,
    });
  }
}

const counts = new Map<string, number>();
/** Calls `make` until there are so many of a kind. */
async function upTo(kind: string, size: number, make: (count: number) => Promise<unknown>): Promise<void> {
  for (let count = counts.get(kind) ?? 0; count < size; count += 1) await make(count);
  counts.set(kind, size);
}

await measure('sessions of 100 accounts', [1, 100, 1_000, 10_000], (server, size) =>
  upTo('sessions', size, (count) => server.send('POST', '/sessions', {}, { key: `sk-${count % 100}` })),
);
await measure(
  'messages in the window',
  [10, 1_000, 10_000, 100_000],
  (server, size) =>
    upTo('messages', size / 10, () =>
      server.send('POST', `/sessions/${server.session}/messages`, {
        messages: Array.from({ length: 10 }, () => ({ role: 'user', content: 'The agent goes on.' })),
      }),
    ),
  { operations: ['append', 'list', 'snapshot', 'truncate'] },
);
await measure(
  'snapshots',
  [0, 100, 1_000],
  (server, size) => upTo('snapshots', size, () => server.send('POST', `/sessions/${server.session}/snapshots`, {})),
  { operations: ['append', 'list', 'turn'] },
);
await measure(
  'requests in the journal',
  [0, 1_000, 10_000],
  (server, size) => upTo('requests', size, () => server.append()),
  {
    journal: { entries: 10_000 },
  },
);
await measure('idempotency keys', [0, KEYS / 100, KEYS / 10, KEYS], (server, size) =>
  upTo('keys', size, (count) =>
    server.send(
      'POST',
      '/tokenizers/estimate-token-count',
      { model: 'kimi-k2-0905-preview', messages: [{ role: 'user', content: 'a' }] },
      {
        'Idempotency-Key': `key-${count}`,
      },
    ),
  ),
);
const sockets: Socket[] = [];
let port = 0;
await measure('idle connections', [1, 500, 5_000], async (server, size) => {
  port ||= (await server.emulator.listen()).port;
  await upTo('connections', size, async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    sockets.push(socket);
  });
});
for (const socket of sockets) socket.destroy();
rmSync(folder, { recursive: true });
printTable(`what grows, ms of processor time in process, ${EACH} of each at a time`, rows);
if (rows.some(({ ok }) => ok === false)) process.exitCode = 1;
