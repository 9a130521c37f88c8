import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Asked, httpPost, inTurn, load } from './http-load.ts';
import { type Child, MachineClock, median, processorMs, residentMiB, startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

/**
 * What is measured: all of it, or what the command line names. On a machine that does other work, latency is that of its queue:
 * `chrt -f 10 npx tsx bench/gateway.ts latency` keeps out of it, and takes a fraction of one core.
 */
const ALL_PARTS = ['latency', 'processor', 'streams'];
const PARTS = new Set(process.argv.length > 2 ? process.argv.slice(2) : ALL_PARTS);
/** Rounds in turn, so that a change of the machine's load meets all alike. */
const ROUNDS = Number(process.env.KIMI_BENCH_RUNS ?? 9);
/** Of the streams that run at the same time: 60 for the whole measure. */
const STREAM_SECONDS = Number(process.env.KIMI_BENCH_STREAM_SECONDS ?? 10);
const CLIENTS = 8;
/** Requests of each client, to each server, in a round: for latency, and at full load. */
const TIMED = 15;
const LOADED = 100;
/**
 * How long the upstream takes where latency is measured, and how much longer at random: a model takes longer, but less would
 * keep two cores busy, and clients that ask in step would measure only each other.
 */
const UPSTREAM_MS = 150;
const SPREAD_MS = 100;
/** After so many a client goes on with a new session, so that windows stay at 4K tokens. */
const TURNS_PER_SESSION = 5;
const STREAMS = 200;
/** The most kept gateway for language models that is a package of Node's. */
const RIVAL = '@portkey-ai/gateway@1.15.2';
const MOST = { passMs: 1, turnMs: 2.5, firstByteMs: 1.5, rival: 0.6, mib: 250, gapMs: 1_000 };
const CHAT = '/v1/chat/completions';
const KEY = 'Bearer sk-bench';

const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const upstream = await startServer(['bench/rivals/answering.mjs']);
const base = `http://127.0.0.1:${upstream.port}/v1`;
const pipe = await startServer(['bench/rivals/pipe.mjs', String(upstream.port)]);
const rival = PARTS.has('processor') ? await startRival() : undefined;
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
/** About 4K tokens in twenty messages. */
const window = Array.from({ length: 20 }, (_, place) => ({
  role: place % 2 === 0 ? 'user' : 'assistant',
  content: `${place}: ${'a line of the report, '.repeat(33)}`,
}));
const long = { ...question, messages: [...window, ...question.messages] };

const slowly = (body: object) =>
  httpPost(CHAT, JSON.stringify(body), [`X-Delay-Ms: ${Math.round(UPSTREAM_MS + SPREAD_MS * Math.random())}`]);
/** A session of each client's own, and the next one after some turns. */
const sessionOf = (client: number, count: number) => sessions[Math.floor(count / TURNS_PER_SESSION) * CLIENTS + client];
const turns = (isStreamed: boolean) => (client: number, count: number) => {
  const session_id = sessionOf(client, isStreamed ? TIMED + count : count);
  return slowly({ ...question, session_id, ...(isStreamed && { stream: true }) });
};
const asked = {
  direct: { port: upstream.port, make: () => slowly(question) },
  pipe: { port: pipe.port, make: () => slowly(question) },
  gateway: { port: gateway.port, make: () => slowly(question) },
  'direct, streamed': { port: upstream.port, make: () => slowly({ ...question, stream: true }) },
  'gateway, streamed': { port: gateway.port, make: () => slowly({ ...question, stream: true }) },
  'direct, 4K': { port: upstream.port, make: () => slowly(long) },
  'gateway, turn of 4K': { port: gateway.port, make: turns(false) },
  'direct, 4K streamed': { port: upstream.port, make: () => slowly({ ...long, stream: true }) },
  'gateway, streamed turn of 4K': { port: gateway.port, make: turns(true) },
} as const satisfies Record<string, Asked>;

const toRival = ['x-portkey-provider: openai', `x-portkey-custom-host: ${base}`];
const always = (body: object, headers: readonly string[] = []) => {
  const text = httpPost(CHAT, JSON.stringify(body), headers);
  return () => text;
};
const streamed = { ...question, stream: true };
const loaded = {
  pipe: { server: pipe, make: always(question) },
  gateway: { server: gateway, make: always(question) },
  rival: { server: rival, make: always(question, toRival) },
  'pipe, streamed': { server: pipe, make: always(streamed) },
  'gateway, streamed': { server: gateway, make: always(streamed) },
  'gateway, turn of 4K': { server: gateway, make: turnAtOnce },
} as const;

type Timed = keyof typeof asked;
type Loaded = keyof typeof loaded;
/** Medians of each round, in milliseconds. */
const timed = new Map<Timed, { firstMs: number; wholeMs: number }[]>();
const processor = new Map<Loaded, number[]>();
let sessions: string[] = [];
const clock = new MachineClock([gateway, holder, rival, pipe, upstream]);
const others: number[] = [];
for (let round = 0; round <= ROUNDS; round += 1) {
  // The first round warms up.
  const isCounted = round > 0;
  if (PARTS.has('latency')) await timeAll(isCounted);
  if (PARTS.has('processor')) await loadAll(isCounted);
}
const streams = PARTS.has('streams') ? await holdStreams() : undefined;
await Promise.all([gateway, holder, rival, pipe, upstream].map((server) => server?.stop()));
rmSync(folder, { recursive: true, force: true });

const rows = [
  ...(PARTS.has('latency') ? latencyRows() : []),
  ...(PARTS.has('processor') ? processorRows() : []),
  ...(streams ? streamRows(streams) : []),
];
const upTo = UPSTREAM_MS + SPREAD_MS;
const [least, middle, most] = [Math.min(...others), median(others), Math.max(...others)].map((cores) =>
  cores.toFixed(1),
);
printTable(
  [
    `the gateway, ${CLIENTS} clients; latency with an upstream that takes ${UPSTREAM_MS} to ${upTo} ms; medians of ${ROUNDS} rounds in turn.`,
    ...(PARTS.has('latency') ? [`Others took ${middle} (${least} to ${most}) of ${availableParallelism()} cores`] : []),
  ].join(' '),
  rows,
);
if (rows.some((row) => 'ok' in row && row.ok === false)) process.exitCode = 1;

async function timeAll(isCounted: boolean): Promise<void> {
  sessions = await newSessions((2 * CLIENTS * TIMED) / TURNS_PER_SESSION);
  clock.start();
  const overheads = await inTurn(CLIENTS, TIMED, Object.values(asked));
  if (!isCounted) return;
  others.push(clock.othersCores());
  for (const [place, name] of (Object.keys(asked) as Timed[]).entries()) {
    const all = overheads[place] ?? [];
    const medians = {
      firstMs: median(all.map(({ firstMs }) => firstMs)),
      wholeMs: median(all.map(({ wholeMs }) => wholeMs)),
    };
    timed.set(name, [...(timed.get(name) ?? []), medians]);
  }
}

async function loadAll(isCounted: boolean): Promise<void> {
  sessions = await newSessions((CLIENTS * LOADED) / TURNS_PER_SESSION);
  for (const [name, { server, make }] of Object.entries(loaded) as [Loaded, (typeof loaded)[Loaded]][]) {
    if (!server) continue;
    const before = processorMs(server);
    await load(server.port, CLIENTS, CLIENTS * LOADED, make);
    const each = (processorMs(server) - before) / (CLIENTS * LOADED);
    if (isCounted) processor.set(name, [...(processor.get(name) ?? []), each]);
  }
}

function latencyRows(): Row[] {
  const word = 'the same streamed, first byte: added';
  return [
    ...added('a request without a session: added', 'gateway', 'direct', 'wholeMs', MOST.passMs),
    ...added('the same through a bare pipe: added', 'pipe', 'direct', 'wholeMs'),
    ...added(word, 'gateway, streamed', 'direct, streamed', 'firstMs', MOST.firstByteMs),
    ...added('a turn of 4K tokens in a session: added', 'gateway, turn of 4K', 'direct, 4K', 'wholeMs', MOST.turnMs),
    ...added(word, 'gateway, streamed turn of 4K', 'direct, 4K streamed', 'firstMs', MOST.turnMs),
  ];
}

function processorRows(): Row[] {
  return [
    against('a request without a session', 'gateway', 'rival', RIVAL, MOST.rival),
    against('a request without a session', 'gateway', 'pipe', 'a bare pipe'),
    against('the same streamed', 'gateway, streamed', 'pipe, streamed', 'a bare pipe'),
    { name: 'a turn of 4K tokens in a session: processor time, ms', value: processorOf('gateway, turn of 4K') },
  ].filter((row) => row !== undefined);
}

function streamRows({ mib, gapMs, whole }: Awaited<ReturnType<typeof holdStreams>>): Row[] {
  const name = `${STREAMS} streams of ${STREAM_SECONDS} s, half of them in sessions`;
  return [
    { name: `${name}: resident, MiB`, value: mib, target: `<= ${MOST.mib}`, ok: mib <= MOST.mib },
    {
      name: 'longest time without an event, ms (one each 250 ms)',
      value: gapMs,
      target: `<= ${MOST.gapMs}, all whole`,
      ok: gapMs <= MOST.gapMs && whole === STREAMS,
    },
  ];
}

/** The median of the differences of each round, and what it is where the machine did least else. */
function added(name: string, one: Timed, other: Timed, figure: 'firstMs' | 'wholeMs', most?: number): Row[] {
  const [ours, theirs] = [one, other].map((each) => (timed.get(each) ?? []).map((round) => round[figure]));
  const differences = (ours ?? []).map((each, round) => each - (theirs?.[round] ?? 0));
  const value = median(differences);
  const quietest = differences[others.indexOf(Math.min(...others))] ?? Number.NaN;
  return [
    { name: `${name}, ms`, value, ...(most && { target: `<= ${most}`, ok: value <= most }) },
    { name: '  in the quietest round, ms', value: quietest },
  ];
}

function processorOf(name: Loaded): number {
  return median(processor.get(name) ?? []);
}

function against(name: string, one: Loaded, other: Loaded, otherName: string, most?: number): Row | undefined {
  if (!processor.has(other)) return undefined;
  const value = processorOf(one);
  const ratio = value / processorOf(other);
  const title = `${name}: processor time against ${otherName}, ms`;
  return { name: title, value, ratio, ...(most && { target: `<= ${most} ×`, ok: ratio <= most }) };
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

function newSessions(count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => newSession(gateway)));
}

function turnAtOnce(client: number, count: number): string {
  return httpPost(CHAT, JSON.stringify({ ...question, session_id: sessionOf(client, count) }));
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
