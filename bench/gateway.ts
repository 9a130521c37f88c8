import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpPost, load } from './http-load.ts';
import { type Child, median, residentMiB, startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

/** Rounds in turn, so that a change of the machine's load meets all alike. */
const ROUNDS = Number(process.env.KIMI_BENCH_RUNS ?? 9);
/** Of the streams that run at the same time: 60 for the whole measure. */
const STREAM_SECONDS = Number(process.env.KIMI_BENCH_STREAM_SECONDS ?? 10);
const EACH = 800;
const CLIENTS = 8;
/** How long the upstream takes where latency is measured: else eight clients that wait for nothing measure only each other. */
const UPSTREAM_MS = 20;
const STREAMS = 200;
/** The most kept gateway for language models that is a package of Node's. */
const RIVAL = '@portkey-ai/gateway@1.15.2';
const MOST = { passMs: 1, turnMs: 2.5, firstByteMs: 1.5, pipe: 1.3, rival: 0.6, mib: 250, gapMs: 1_000 };
/** Milliseconds of a tick in `/proc/PID/stat`. */
const TICK_MS = 10;
const CHAT = '/v1/chat/completions';
const KEY = 'Bearer sk-bench';

const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const upstream = await startServer(['bench/rivals/answering.mjs']);
const base = `http://127.0.0.1:${upstream.port}/v1`;
const pipe = await startServer(['bench/rivals/pipe.mjs', String(upstream.port)]);
const rival = await startRival();
const startGateway = () =>
  startServer([
    join('dist', 'emulator', 'cli', 'main.js'),
    ...['gateway', '--upstream', base, '--json', '--port', '0', '--memory', '--tokenizer', 'o200k_base'],
    ...['--limit', 'sessions=100000'],
  ]);
const gateway = await startGateway();
/** A process of its own, as memory is measured. */
const holder = await startGateway();

const question = { model: 'kimi-k3', messages: [{ role: 'user', content: 'What is left to do?' }] };
const slow = [`X-Delay-Ms: ${UPSTREAM_MS}`];
const toRival = ['x-portkey-provider: openai', `x-portkey-custom-host: ${base}`];
const plain = JSON.stringify(question);
const streamed = JSON.stringify({ ...question, stream: true });
/** About 4K tokens in twenty messages. */
const window = Array.from({ length: 20 }, (_, place) => ({
  role: place % 2 === 0 ? 'user' : 'assistant',
  content: `${place}: ${'a line of the report, '.repeat(33)}`,
}));
const long = JSON.stringify({ ...question, messages: [...window, ...question.messages] });

interface Subject {
  server: Child | undefined;
  make(client: number, count: number): string;
}
const always = (text: string) => () => text;
const subjects = {
  direct: { server: upstream, make: always(httpPost(CHAT, plain, slow)) },
  pipe: { server: pipe, make: always(httpPost(CHAT, plain, slow)) },
  gateway: { server: gateway, make: always(httpPost(CHAT, plain, slow)) },
  'direct, streamed': { server: upstream, make: always(httpPost(CHAT, streamed, slow)) },
  'gateway, streamed': { server: gateway, make: always(httpPost(CHAT, streamed, slow)) },
  'direct, 4K': { server: upstream, make: always(httpPost(CHAT, long, slow)) },
  'gateway, turn of 4K': { server: gateway, make: turnOf },
  'pipe at full load': { server: pipe, make: always(httpPost(CHAT, plain)) },
  'gateway at full load': { server: gateway, make: always(httpPost(CHAT, plain)) },
  'rival at full load': { server: rival, make: always(httpPost(CHAT, plain, toRival)) },
  'pipe at full load, streamed': { server: pipe, make: always(httpPost(CHAT, streamed)) },
  'gateway at full load, streamed': { server: gateway, make: always(httpPost(CHAT, streamed)) },
} as const satisfies Record<string, Subject>;
type Name = keyof typeof subjects;

interface Measured {
  /** Milliseconds at the median: to the first byte, and to the whole answer. */
  firstMs: number;
  wholeMs: number;
  /** Of the server's process, for each request. */
  processorMs: number;
}
const seen = new Map<Name, Measured[]>();
let turns: string[] = [];
for (let round = 0; round <= ROUNDS; round += 1) {
  turns = await Promise.all(Array.from({ length: EACH }, () => newSession(gateway).then(turnIn)));
  for (const [name, subject] of Object.entries(subjects) as [Name, Subject][]) {
    const measured = await measure(subject);
    // The first round warms up.
    if (round > 0 && measured) seen.set(name, [...(seen.get(name) ?? []), measured]);
  }
}
const streams = await holdStreams();
await Promise.all([gateway, holder, rival, pipe, upstream].map((server) => server?.stop()));
rmSync(folder, { recursive: true, force: true });

const rows = [
  added('a request without a session: added', 'gateway', 'direct', 'wholeMs', MOST.passMs),
  { name: 'the same through a bare pipe: added, ms', value: of('pipe', 'wholeMs') - of('direct', 'wholeMs') },
  added('the same streamed, first byte: added', 'gateway, streamed', 'direct, streamed', 'firstMs', MOST.firstByteMs),
  added('a turn of 4K tokens in a session: added', 'gateway, turn of 4K', 'direct, 4K', 'wholeMs', MOST.turnMs),
  processor('a request without a session', 'gateway at full load', 'rival at full load', RIVAL, MOST.rival),
  processor('a request without a session', 'gateway at full load', 'pipe at full load', 'a bare pipe'),
  processor('the same streamed', 'gateway at full load, streamed', 'pipe at full load, streamed', 'a bare pipe'),
  { name: 'a turn of 4K tokens in a session: processor time, ms', value: of('gateway, turn of 4K', 'processorMs') },
  {
    name: `${STREAMS} streams of ${STREAM_SECONDS} s, half of them in sessions: resident, MiB`,
    value: streams.mib,
    target: `<= ${MOST.mib}`,
    ok: streams.mib <= MOST.mib,
  },
  {
    name: `${STREAMS} streams: longest time without an event, ms (one each 250 ms)`,
    value: streams.gapMs,
    target: `<= ${MOST.gapMs}, all whole`,
    ok: streams.gapMs <= MOST.gapMs && streams.whole === STREAMS,
  },
].filter((row) => row !== undefined);
printTable(
  `the gateway, ${CLIENTS} clients, an upstream that takes ${UPSTREAM_MS} ms; medians of ${ROUNDS} rounds of ${EACH}`,
  rows,
);
if (rows.some((row) => 'ok' in row && row.ok === false)) process.exitCode = 1;

function of(name: Name, figure: keyof Measured): number {
  return median((seen.get(name) ?? []).map((each) => each[figure]));
}

/** The median of the differences of each round. */
function added(name: string, one: Name, other: Name, figure: 'firstMs' | 'wholeMs', most: number): Row {
  const others = seen.get(other) ?? [];
  const differences = (seen.get(one) ?? []).map((each, round) => each[figure] - (others[round]?.[figure] ?? 0));
  const value = median(differences);
  return { name: `${name}, ms`, value, target: `<= ${most}`, ok: value <= most };
}

function processor(name: string, one: Name, other: Name, otherName: string, most?: number): Row | undefined {
  if (!seen.has(other)) return undefined;
  const value = of(one, 'processorMs');
  const ratio = value / of(other, 'processorMs');
  const against = `${name}: processor time against ${otherName}, ms`;
  return { name: against, value, ratio, ...(most && { target: `<= ${most} ×`, ok: ratio <= most }) };
}

async function measure({ server, make }: Subject): Promise<Measured | undefined> {
  if (!server) return undefined;
  const before = processorMs(server);
  const { firstMs, wholeMs } = await load(server.port, CLIENTS, EACH, make);
  return {
    firstMs: median(firstMs),
    wholeMs: median(wholeMs),
    processorMs: (processorMs(server) - before) / EACH,
  };
}

function processorMs({ process: { pid } }: Child): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Undefined, and said so, where it cannot be installed. */
async function startRival(): Promise<Child | undefined> {
  try {
    execFileSync('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', RIVAL], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    console.error(`SKIPPED: ${RIVAL} cannot be installed, so nothing is compared with it`);
    return undefined;
  }
  return startServer(['bench/rivals/portkey.mjs', folder]);
}

/** A session with its window. @returns its id */
async function newSession({ port }: Child): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/sessions`, {
    method: 'POST',
    headers: { Authorization: KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: question.model, messages: window }),
  });
  if (!response.ok) throw new Error(await response.text());
  const { id } = (await response.json()) as { id: string };
  return id;
}

function turnIn(session_id: string): string {
  return httpPost(CHAT, JSON.stringify({ ...question, session_id }), slow);
}

function turnOf(client: number, count: number): string {
  return turns[count * CLIENTS + client] ?? plain;
}

/** What it takes to hold many streams at the same time, and how long one of them goes without an event. */
async function holdStreams(): Promise<{ mib: number; gapMs: number; whole: number }> {
  const ids = await Promise.all(Array.from({ length: STREAMS / 2 }, () => newSession(holder)));
  let mib = 0;
  const pid = holder.process.pid ?? 0;
  const timer = setInterval(async () => {
    mib = Math.max(mib, await residentMiB(pid));
  }, 500);
  const ended = await Promise.all(
    Array.from({ length: STREAMS }, (_, place) => {
      const session_id = ids[place];
      return readStream(JSON.stringify({ ...question, stream: true, ...(session_id && { session_id }) }));
    }),
  );
  clearInterval(timer);
  return {
    mib,
    gapMs: Math.max(...ended.map(({ gapMs }) => gapMs)),
    whole: ended.filter(({ isWhole }) => isWhole).length,
  };
}

function readStream(body: string): Promise<{ gapMs: number; isWhole: boolean }> {
  const headers = {
    Authorization: KEY,
    'Content-Type': 'application/json',
    'X-Stream-Seconds': String(STREAM_SECONDS),
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: holder.port, method: 'POST', path: CHAT, headers, agent: false });
    asked.on('error', reject).end(body);
    asked.on('response', (response) => {
      let last = performance.now();
      let gapMs = 0;
      let words = 0;
      let tail = '';
      response.on('data', (part: Buffer) => {
        gapMs = Math.max(gapMs, performance.now() - last);
        last = performance.now();
        words += part.toString().split('"word "').length - 1;
        tail = (tail + part.toString()).slice(-16);
      });
      response.on('end', () =>
        resolve({ gapMs, isWhole: words === STREAM_SECONDS * 4 - 1 && tail.endsWith('data: [DONE]\n\n') }),
      );
      response.on('error', reject);
    });
  });
}
