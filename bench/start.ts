import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpPost, load } from './http-load.ts';
import { median, residentMiB, startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

const RUNS = 9;
const SESSIONS = 100;
const WINDOW = 262_144;
const MAX_MIB = 200;
const MAX_FIRST_BYTE_MS = 100;
const TEXT = 'OK';
const CHAT = JSON.stringify({
  model: 'kimi-k2-0905-preview',
  messages: [{ role: 'user', content: `Reply with only ${TEXT}` }],
});
const PARAGRAPH = 'The agent reads a file, finds the failing test, and writes down what it has learned about it. ';

const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const aimock = ['bench/rivals/aimock.mjs', TEXT, '16'];
const emulator = ['dist/emulator/cli/main.js', '--json', '--port', '0', '--memory'];
await firstAnswers(emulator);
const starts = { aimock: [] as Start[], emulator: [] as Start[] };
for (let run = 0; run < RUNS; run += 1) {
  starts.aimock.push(await firstAnswers(aimock));
  starts.emulator.push(await firstAnswers(emulator));
}
const rows: Row[] = [];
compare('first answer of /v1/models, ms', 'modelsMs', 1);
compare('first chat, ms, vocabulary cached', 'chatMs', 1.5);
rows.push(...(await fullWindows()));
printTable(`start-up (medians of ${RUNS}) and ${SESSIONS} sessions of full windows on disk`, rows);
rmSync(folder, { recursive: true });

interface Start {
  modelsMs: number;
  chatMs: number;
}

/** Milliseconds from the start of the process to its first answers. */
async function firstAnswers(args: string[]): Promise<Start> {
  const started = performance.now();
  const server = await startServer(args);
  await load(
    server.port,
    1,
    1,
    () => 'GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-bench\r\n\r\n',
  );
  const modelsMs = performance.now() - started;
  await load(server.port, 1, 1, () => httpPost('/v1/chat/completions', CHAT));
  const chatMs = performance.now() - started;
  await server.stop();
  return { modelsMs, chatMs };
}

function compare(name: string, field: keyof Start, most: number): void {
  const rival = median(starts.aimock.map((start) => start[field]));
  const ours = median(starts.emulator.map((start) => start[field]));
  rows.push({ name: `aimock: ${name}`, value: rival });
  rows.push({
    name: `emulator: ${name}`,
    value: ours,
    ratio: ours / rival,
    target: `<= ${most}`,
    ok: ours / rival <= most,
  });
}

/** Fills the account's windows, then measures memory and a chat turn on one of them. */
async function fullWindows(): Promise<Row[]> {
  const server = await startServer([
    'dist/emulator/cli/main.js',
    '--json',
    '--port',
    '0',
    '--db',
    join(folder, 'full.db'),
  ]);
  const content = PARAGRAPH.repeat(380);
  const messages = (session: string) =>
    httpPost(`/v1/sessions/${session}/messages`, JSON.stringify({ role: 'user', content }));
  let session = '';
  for (let count = 0; count < SESSIONS; count += 1) {
    session = await fill(server.port, messages);
  }
  const resident = await residentMiB(server.process.pid ?? 0);
  const turn = JSON.stringify({
    model: 'kimi-k2-0905',
    session_id: session,
    max_tokens: 16,
    messages: [{ role: 'user', content: 'What does the agent find?' }],
  });
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const started = performance.now();
    await load(server.port, 1, 1, () => httpPost('/v1/chat/completions', turn));
    times.push(performance.now() - started);
  }
  const after = await residentMiB(server.process.pid ?? 0);
  await server.stop();
  const first = median(times);
  return [
    {
      name: `resident with ${SESSIONS} full windows, MiB`,
      value: resident,
      target: `<= ${MAX_MIB}`,
      ok: resident <= MAX_MIB,
    },
    { name: 'resident after chat turns on one, MiB', value: after },
    {
      name: 'chat turn on a full window, ms',
      value: first,
      target: `<= ${MAX_FIRST_BYTE_MS}`,
      ok: first <= MAX_FIRST_BYTE_MS,
    },
  ];
}

async function fill(port: number, messages: (session: string) => string): Promise<string> {
  const { last } = await load(port, 1, 1, () => httpPost('/v1/sessions', '{}'));
  const session = /"id":"(sess_\w+)"/.exec(last)?.[1] ?? '';
  const { last: appended } = await load(port, 1, 1, () => messages(session));
  const size = Number(/"tokens":(\d+)/.exec(appended)?.[1]);
  const more = Math.floor((WINDOW - 64 - 2 * size) / size);
  await load(port, 1, more, () => messages(session));
  return session;
}
