import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { httpPost, load } from './http-load.ts';
import { type Child, median, startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

/** Rounds in turn, so that a change of the machine's load meets all alike. */
const ROUNDS = Number(process.env.KIMI_BENCH_RUNS ?? 9);
const EACH = 600;
const CLIENTS = 8;
/** Milliseconds of a tick in `/proc/PID/stat`. */
const TICK_MS = 10;
const MOST_TIME = 1.3;
const MOST_PASS_MS = 1;
const MOST_TURN_MS = 2.5;
const WINDOW_WORDS = 3_800;

/**
 * What the gateway adds to asking its upstream directly: latency, and processor time against a bare pipe of `node:http`. A session
 * turn sends a window of about 4K tokens, which is cut back between the rounds.
 */
const upstream = await startServer(['bench/rivals/answering.mjs']);
const pipe = await startServer(['bench/rivals/pipe.mjs', String(upstream.port)]);
const gateway = await startServer([
  join('dist', 'emulator', 'cli', 'main.js'),
  'gateway',
  '--upstream',
  `http://127.0.0.1:${upstream.port}/v1`,
  ...['--json', '--port', '0', '--memory', '--tokenizer', 'o200k_base'],
]);
const CHAT = '/v1/chat/completions';
const base = { model: 'kimi-k3', messages: [{ role: 'user', content: 'What is left to do?' }] };
const plain = httpPost(CHAT, JSON.stringify(base));
const streamed = httpPost(CHAT, JSON.stringify({ ...base, stream: true }));
const sessions = await Promise.all(Array.from({ length: CLIENTS }, newSession));
const turns = sessions.map((session_id) => httpPost(CHAT, JSON.stringify({ ...base, session_id })));
const alone = httpPost(
  CHAT,
  JSON.stringify({ ...base, messages: [{ role: 'user', content: 'a '.repeat(WINDOW_WORDS) }] }),
);

interface Measured {
  /** Of one request at the median of the rounds, eight at a time. */
  latencyMs: number;
  /** Of the server's process, for each request. */
  processorMs: number;
}

const subjects = {
  'asked directly': { server: upstream, make: () => plain },
  'bare pipe': { server: pipe, make: () => plain },
  'gateway, no session': { server: gateway, make: () => plain },
  'bare pipe, streamed': { server: pipe, make: () => streamed },
  'gateway, no session, streamed': { server: gateway, make: () => streamed },
  'asked directly, 4K tokens': { server: upstream, make: () => alone },
  'gateway, session turn, 4K tokens': { server: gateway, make: (client: number) => turns[client] ?? plain },
} as const;
type Subject = keyof typeof subjects;
const seen = new Map<Subject, Measured[]>();
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [name, { server, make }] of Object.entries(subjects) as [Subject, (typeof subjects)[Subject]][]) {
    if (name === 'gateway, session turn, 4K tokens') await cutBack();
    const measured = await measure(server, make);
    // The first round warms up.
    if (round > 0) seen.set(name, [...(seen.get(name) ?? []), measured]);
  }
}
await Promise.all([gateway, pipe, upstream].map((server) => server.stop()));

const of = (name: Subject, figure: keyof Measured): number =>
  median((seen.get(name) ?? []).map((each) => each[figure]));
const added = (name: Subject, direct: Subject, most: number): Row => {
  const value = of(name, 'latencyMs') - of(direct, 'latencyMs');
  return { name: `${name}: latency added, ms`, value, target: `<= ${most}`, ok: value <= most };
};
const time = (name: Subject, rival: Subject): Row => {
  const ratio = of(name, 'processorMs') / of(rival, 'processorMs');
  const value = of(name, 'processorMs');
  return {
    name: `${name}: processor time, ms`,
    value,
    ratio,
    target: `<= ${MOST_TIME} × ${rival}`,
    ok: ratio <= MOST_TIME,
  };
};
const rows = [
  added('gateway, no session', 'asked directly', MOST_PASS_MS),
  added('gateway, session turn, 4K tokens', 'asked directly, 4K tokens', MOST_TURN_MS),
  time('gateway, no session', 'bare pipe'),
  time('gateway, no session, streamed', 'bare pipe, streamed'),
  { name: 'bare pipe: latency added, ms', value: of('bare pipe', 'latencyMs') - of('asked directly', 'latencyMs') },
  { name: 'gateway, session turn: processor time, ms', value: of('gateway, session turn, 4K tokens', 'processorMs') },
];
printTable(`the gateway, ${CLIENTS} clients, medians of ${ROUNDS} rounds of ${EACH}`, rows);
if (rows.some((row) => 'ok' in row && row.ok === false)) process.exitCode = 1;

async function measure({ port, process: server }: Child, make: (client: number) => string): Promise<Measured> {
  const before = processorMs(server.pid ?? 0);
  const { perSecond } = await load(port, CLIENTS, EACH, make);
  return { latencyMs: (1_000 * CLIENTS) / perSecond, processorMs: (processorMs(server.pid ?? 0) - before) / EACH };
}

function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const headers = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Record<string, unknown>;
}

async function newSession(): Promise<string> {
  const { id } = await post('/v1/sessions', { model: 'kimi-k3' });
  await post(`/v1/sessions/${id}/messages`, { role: 'user', content: 'a '.repeat(WINDOW_WORDS) });
  await post(`/v1/sessions/${id}/snapshots`, {});
  return String(id);
}

async function cutBack(): Promise<void> {
  for (const id of sessions) {
    const list = await fetch(`http://127.0.0.1:${gateway.port}/v1/sessions/${id}/snapshots`, {
      headers: { Authorization: 'Bearer sk-bench' },
    });
    const { data } = (await list.json()) as { data: { id: string }[] };
    await post(`/v1/sessions/${id}/rollback`, { snapshot_id: data[0]?.id });
  }
}
