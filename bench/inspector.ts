import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { createEmulator } from '../emulator/index.ts';
import { type Child, median, startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

/**
 * The inspector: what past windows cost a run, and what the page costs and shows. Needs dist/ and chromium.
 * `npx tsx bench/inspector.ts [past] [open] [sizes] [FOLDER]`: of these only, and against the built checkout in FOLDER.
 */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const MODEL = 'kimi-k3';
const LIMITS = { sessions: 200, append_tokens: 70_000, min_preserve_tokens: 64 };
const WINDOW = 262_144;
const LARGE_WINDOW = 1_048_576;
const FORKS = 100;
const ROUNDS = 2_000;
const SCROLL_MS = 3_000;
const PAIRS = 7;
const OPEN_PAIRS = 8;
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

const PARAMETERS = ['--json', '--memory', '--port', '0', '--limit', 'min_preserve_tokens=64'];
/** The build before it printed no line for each request, and has no flag for that. */
const start = (folder?: string) =>
  startServer([`${folder ?? '.'}/dist/emulator/cli/main.js`, ...PARAMETERS, ...(folder ? [] : ['--log', 'off'])]);

/** What a process has computed so far, in milliseconds: what another one does meanwhile says little of it. */
function computed({ process: { pid } }: Child): number {
  const threads = `/proc/${pid}/task`;
  const nanoseconds = readdirSync(threads).map((thread) => {
    try {
      return Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // It has ended meanwhile.
      return 0;
    }
  });
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

const SHORT_ROUNDS = 200;
const SHORT_PAIRS = 15;

/** Appends and cuts on two builds, in short stretches in turn. @param old a built checkout */
async function compareBuilds(old: string): Promise<Row[]> {
  const servers = [await start(old), await start()] as const;
  const asks = servers.map((server) => asking(`http://127.0.0.1:${server.port}`));
  const sessions = await Promise.all(asks.map((ask) => ask('/sessions', {})));
  const stretch = async (which: 0 | 1): Promise<number> => {
    const [ask, path] = [asks[which], `/sessions/${sessions[which]?.id}`];
    const before = computed(servers[which]);
    for (let round = 0; round < SHORT_ROUNDS; round += 1) {
      await ask?.(`${path}/messages`, { role: 'user', content: `message ${round} of a run with some words in it` });
      if (round % 50 === 49) await ask?.(`${path}/truncate`, { preserve_len: 200 });
    }
    return computed(servers[which]) - before;
  };
  const ratios: number[] = [];
  for (let pair = -3; pair < SHORT_PAIRS; pair += 1) {
    const first = pair % 2 === 0 ? 0 : 1;
    const [one, other] = [await stretch(first), await stretch(first === 0 ? 1 : 0)];
    // The first ones are those of programs that have yet to be compiled.
    if (pair >= 0) ratios.push(first === 0 ? other / one : one / other);
  }
  for (const server of servers) await server.stop();
  const ratio = median(ratios);
  return [
    { name: 'appends and cuts against the build before it', value: '', ratio, target: '<= 1.03', ok: ratio <= 1.03 },
    { name: `  its quarter and three quarters of ${SHORT_PAIRS} pairs`, value: quartiles(ratios) },
  ];
}

function quartiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.25, 0.75].map((share) => sorted[Math.floor(share * sorted.length)]?.toFixed(3)).join(' to ');
}

/** What the page takes of the server's time, view by view; how soon it shows a change; and what it holds after a long run. */
async function compareOpen(browser: Browser): Promise<Row[]> {
  const server = await start();
  const url = `http://127.0.0.1:${server.port}`;
  const ask = asking(url);
  const { id } = await ask('/sessions', { model: MODEL });
  const page = await browser.newPage();
  let round = 0;
  const turns = async (count: number): Promise<void> => {
    for (const end = round + count; round < end; round += 1) {
      const messages = [{ role: 'user', content: `What is said in round ${round}?` }];
      await ask('/chat/completions', { model: MODEL, session_id: id, messages });
      if (round % 20 === 19) await ask(`/sessions/${id}/truncate`, { preserve_len: 4_096 });
    }
  };
  const show = async (hash: string | undefined): Promise<void> => {
    await page.goto(hash === undefined ? 'about:blank' : `${url}/_emulator/ui${hash}`);
    if (hash !== undefined) await page.getByText('live', { exact: true }).waitFor();
    // Until what was asked for to begin with is answered.
    for (let last = -1; computed(server) - last > 1; await new Promise((resolve) => setTimeout(resolve, 100)))
      last = computed(server);
  };
  const stretch = async (hash: string | undefined): Promise<{ busy: number; elapsed: number }> => {
    await show(hash);
    const [before, started] = [computed(server), performance.now()];
    await turns(100);
    return { busy: computed(server) - before, elapsed: performance.now() - started };
  };
  // So that both lists, of past windows and of requests, are full.
  await turns(1_100);
  const rows: Row[] = [];
  for (const [name, hash] of [
    ['session', `#/session/${id}`],
    ['journal', '#/journal'],
    ['spend', '#/spend'],
    ['list', '#/'],
  ] as const) {
    const shares: number[] = [];
    for (let pair = 0; pair < OPEN_PAIRS; pair += 1) {
      const [one, other] = [
        await stretch(pair % 2 === 0 ? hash : undefined),
        await stretch(pair % 2 ? hash : undefined),
      ];
      const [seen, alone] = pair % 2 === 0 ? [one, other] : [other, one];
      // Of what one processor can do: the page is told at a steady pace, however fast the turns are.
      shares.push((100 * (seen.busy - alone.busy)) / seen.elapsed);
    }
    const share = median(shares);
    const says = `${share.toFixed(1)} (${quartiles(shares)})`;
    rows.push({
      name: `server's time that an open page takes: ${name}, %`,
      value: says,
      target: '<= 5',
      ok: share <= 5,
    });
  }
  await show(`#/session/${id}`);
  const late: number[] = [];
  for (let change = 0; change < 20; change += 1) {
    const text = `change ${change} of twenty`;
    const seen = page.evaluate<number>(`new Promise((resolve) => {
      const look = () => document.querySelector('.message-list')?.textContent.includes('${text}')
        ? resolve(Date.now()) : requestAnimationFrame(look);
      look();
    })`);
    // The look has begun.
    await page.evaluate('0');
    const changed = Date.now();
    await ask(`/sessions/${id}/messages`, { role: 'user', content: text });
    late.push((await seen) - changed);
  }
  const shown = median(late);
  rows.push({
    name: 'from a client asking to the page showing it, ms',
    value: shown,
    target: '<= 200',
    ok: shown <= 200,
  });
  rows.push({ name: '  its quarter and three quarters of 20', value: quartiles(late) });
  await turns(ROUNDS);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const heap = (metrics.find(({ name }) => name === 'JSHeapTotalSize')?.value ?? Number.NaN) / MIB;
  rows.push({ name: `heap of the page behind ${ROUNDS} turns, MiB`, value: heap, target: '< 150', ok: heap < 150 });
  await page.close();
  await server.stop();
  return rows;
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

function sizeOfPage(): Row {
  const files = ['index.html', 'page.js', 'page.css', 'icon.svg'].map((name) =>
    readFileSync(`dist/emulator/inspector/page/${name}`),
  );
  const kilobytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0) / 1_024;
  return { name: 'the whole page compressed, KB', value: kilobytes, target: '<= 120', ok: kilobytes <= 120 };
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

const PARTS = ['past', 'open', 'sizes'];
const named = process.argv.slice(2).filter((name) => PARTS.includes(name));
const old = process.argv.slice(2).find((name) => !PARTS.includes(name));
const wants = (part: string): boolean => process.argv.length === 2 || named.includes(part);

const rows: Row[] = wants('past') ? await comparePast() : [];
if (old !== undefined) rows.push(...(await compareBuilds(old)));
const args = process.getuid?.() === 0 ? ['--no-sandbox', '--disable-gpu'] : ['--disable-gpu'];
const browser = await chromium.launch({ executablePath: CHROMIUM, args });
try {
  if (wants('sizes')) rows.push(sizeOfPage(), ...(await measureSizes(browser)));
  if (wants('open')) rows.push(...(await compareOpen(browser)));
} finally {
  await browser.close();
}
printTable('the inspector', rows);
