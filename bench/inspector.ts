import { readFileSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { createEmulator } from '../emulator/index.ts';
import { median, startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

/** The inspector: what past windows cost a run, and what the page costs and shows. Needs dist/ and chromium. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const MODEL = 'kimi-k3';
const LIMITS = { sessions: 200, append_tokens: 70_000, min_preserve_tokens: 64 };
const WINDOW = 262_144;
const LARGE_WINDOW = 1_048_576;
const FORKS = 100;
const ROUNDS = 2_000;
const SCROLL_MS = 3_000;
const PAIRS = 7;
const MIB = 2 ** 20;

function asking(url: string) {
  return async (path: string, body: object): Promise<{ id: string }> => {
    const headers = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
    const response = await fetch(`${url}/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
}

/** What so many appends and cuts cost, in milliseconds of the processor, in process. */
async function changes(history: number): Promise<number> {
  await using emulator = createEmulator({ limits: LIMITS, history });
  const headers = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
  const ask = async (path: string, body: object): Promise<{ id: string }> => {
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    return (await emulator.fetch(emulator.baseURL + path, init)).json() as Promise<{ id: string }>;
  };
  const { id } = await ask('/sessions', {});
  const started = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) {
    await ask(`/sessions/${id}/messages`, { role: 'user', content: `message ${round} of a run with some words in it` });
    if (round % 50 === 49) await ask(`/sessions/${id}/truncate`, { preserve_len: 200 });
  }
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000;
}

async function comparePast(): Promise<Row[]> {
  const ratios: number[] = [];
  await changes(0);
  await changes(500);
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const [without, kept] = [await changes(0), await changes(500)];
    ratios.push(kept / without);
  }
  const ratio = median(ratios);
  return [
    { name: 'appends and cuts, --history 500 against 0', value: '', ratio, target: '<= 1.03', ok: ratio <= 1.03 },
  ];
}

const PARAMETERS = ['dist/emulator/cli/main.js', '--json', '--memory', '--port', '0', '--log', 'off'];
/** Of the kernel's counters, on every Linux. */
const TICKS_A_SECOND = 100;

/** What a process has computed so far, in milliseconds: what another one does meanwhile says nothing of it. */
function computed(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (1_000 * (Number(fields[11]) + Number(fields[12]))) / TICKS_A_SECOND;
}

/** What a turn costs the server, in milliseconds of its processor, and what the page takes where it is open. */
async function run(browser: Browser | undefined): Promise<{ turnMs: number; elapsedMs: number; heap: number }> {
  const server = await startServer(PARAMETERS);
  const url = `http://127.0.0.1:${server.port}`;
  const ask = asking(url);
  const { id } = await ask('/sessions', { model: MODEL });
  const page = await browser?.newPage();
  await page?.goto(`${url}/_emulator/ui#/session/${id}`);
  await page?.getByText('live', { exact: true }).waitFor();
  const started = performance.now();
  const before = computed(server.process.pid ?? 0);
  for (let round = 0; round < ROUNDS; round += 1) {
    const messages = [{ role: 'user', content: `What is said in round ${round}?` }];
    await ask('/chat/completions', { model: MODEL, session_id: id, messages });
    if (round % 20 === 19) await ask(`/sessions/${id}/truncate`, { preserve_len: 4_096 });
  }
  const turnMs = (computed(server.process.pid ?? 0) - before) / ROUNDS;
  const elapsedMs = performance.now() - started;
  const cdp = page && (await page.context().newCDPSession(page));
  await cdp?.send('Performance.enable');
  const metrics = await cdp?.send('Performance.getMetrics');
  const heap = metrics?.metrics.find(({ name }) => name === 'JSHeapTotalSize')?.value ?? 0;
  await page?.close();
  await server.stop();
  return { turnMs, elapsedMs, heap };
}

async function compareOpen(browser: Browser): Promise<Row[]> {
  const shares: number[] = [];
  let heap = 0;
  for (let pair = 0; pair < 3; pair += 1) {
    const [alone, seen] = [await run(undefined), await run(browser)];
    // Of the time that one processor has: a page is told at a steady pace, however fast the turns are.
    shares.push((100 * (seen.turnMs - alone.turnMs) * ROUNDS) / seen.elapsedMs);
    heap = Math.max(heap, seen.heap);
  }
  const share = median(shares);
  return [
    {
      name: `of the server's time, what the page takes in ${ROUNDS} turns, %`,
      value: share,
      target: '<= 5',
      ok: share <= 5,
    },
    { name: 'heap of the page behind them, MiB', value: heap / MIB, target: '< 150', ok: heap < 150 * MIB },
  ];
}

/** Full windows: the session's id. */
async function fill(ask: ReturnType<typeof asking>, model: string, window: number): Promise<string> {
  const { id } = await ask('/sessions', { model, title: `${window} tokens` });
  const sentence = 'The agent reads a file, finds the failing test, and writes down what it has learned. ';
  for (let tokens = 0; tokens < 0.97 * window; tokens += 65_000) {
    const wanted = Math.min(65_000, 0.97 * window - tokens);
    const messages = Array.from({ length: Math.floor(wanted / 450) }, (_, place) => ({
      role: place % 2 === 0 ? 'user' : 'assistant',
      content: `${place} ${sentence.repeat(21)}`,
    }));
    await ask(`/sessions/${id}/messages`, { messages });
  }
  return id;
}

async function measureSizes(browser: Browser): Promise<Row[]> {
  await using emulator = createEmulator({ limits: LIMITS });
  const { url } = await emulator.listen();
  const ask = asking(url);
  const large = await fill(ask, MODEL, LARGE_WINDOW);
  const full = await fill(ask, 'kimi-k2-0905-preview', WINDOW);
  const snapshot = await ask(`/sessions/${full}/snapshots`, {});
  for (let fork = 1; fork < FORKS; fork += 1) await ask('/sessions', { snapshot_id: snapshot.id });
  const rows: Row[] = [];
  // A browser that runs already: the start page, which loads nothing of the inspector.
  await (await browser.newPage()).goto(url);
  for (const [name, hash, scroller] of [
    [`list of ${FORKS + 1} sessions`, '#/', '.sessions .scroller'],
    [`window of ${LARGE_WINDOW.toLocaleString('en-US')} tokens`, `#/session/${large}`, '.message-list'],
  ] as const) {
    const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
    await page.goto(`${url}/_emulator/ui${hash}`);
    await page.locator(`${scroller} .row`).first().waitFor();
    const paint = await page.evaluate<number>(`performance.getEntriesByName('first-contentful-paint')[0].startTime`);
    await page.evaluate(`document.querySelector('${scroller}').scrollTop = 0`);
    await browser.startTracing(page, {
      categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline.frame'],
    });
    // A step for each frame that the browser asks for.
    await page.evaluate(`new Promise((resolve) => {
      const list = document.querySelector('${scroller}');
      const ended = performance.now() + ${SCROLL_MS};
      const step = () => {
        list.scrollTop = (list.scrollTop + 30) % (list.scrollHeight - list.clientHeight);
        if (performance.now() < ended) requestAnimationFrame(step);
        else resolve();
      };
      requestAnimationFrame(step);
    })`);
    const trace = JSON.parse((await browser.stopTracing()).toString()) as {
      traceEvents: { name: string; ts: number }[];
    };
    const drawn = trace.traceEvents.filter(({ name: event }) => event === 'DrawFrame').map(({ ts }) => ts);
    const seconds = (Math.max(...drawn) - Math.min(...drawn)) / 1e6;
    const rate = (drawn.length - 1) / seconds;
    rows.push({ name: `${name}: first paint, ms`, value: paint, target: '<= 300', ok: paint <= 300 });
    rows.push({ name: `${name}: frames a second while it scrolls`, value: rate, target: '>= 58', ok: rate >= 58 });
    await page.close();
  }
  return rows;
}

const rows: Row[] = process.env.SIZES ? [] : await comparePast();
const args = process.getuid?.() === 0 ? ['--no-sandbox', '--disable-gpu'] : ['--disable-gpu'];
const browser = await chromium.launch({ executablePath: CHROMIUM, args });
try {
  rows.push(...(await measureSizes(browser)), ...(await compareOpen(browser)));
} finally {
  await browser.close();
}
printTable('the inspector', rows);
