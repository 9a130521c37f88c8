import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createEmulator } from '../emulator/index.ts';
import { openTokenizer } from '../emulator/tokenizer.ts';
import { cuts, cuttingRequests, longTexts } from './hold-cuts.ts';
import { manyThings } from './hold-requests.ts';
import { longestHold } from './longest-hold.ts';
import { printTable, type Row } from './table.ts';
import { SHARED } from './tokens-texts.ts';

const BODY_BYTES = 4 * 2 ** 20;
const COUNTING_MS = 50;
const BODY_MS = 150;
const SENTENCE = 'The quick brown fox jumps over the lazy dog, and 42 others watch it. ';
const KIMI_FILE = join(SHARED, 'kimi-k2', 'tiktoken.model');
const HEADERS = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };

/** How long the event loop is held at most, in processor time: what else the machine does is not counted. */
const tokenizer = await openTokenizer({ file: 'o200k_base' }).load();
const emulator = createEmulator();
const english = SENTENCE.repeat(BODY_BYTES / SENTENCE.length);
const rows: Row[] = [];
for (const [name, text] of Object.entries({
  English: english,
  'one letter': 'a'.repeat(BODY_BYTES),
  spaces: ' '.repeat(BODY_BYTES),
})) {
  await row(`counting 4 MB of ${name}`, COUNTING_MS, () => tokenizer.countSliced(text));
}
const parts = Array.from({ length: 16 }, (_, place) => english.slice(place, place + BODY_BYTES / 16));
await row('counting 16 texts of 256 KB at once', COUNTING_MS, () =>
  Promise.all(parts.map((text) => tokenizer.countSliced(text))),
);
await row('a body of 4 MB, one message', BODY_MS, () => estimate([english.slice(0, -200)]));
const texts = Array.from({ length: 2_048 }, (_, place) => english.slice(place, place + 1_950));
await row('a body of 4 MB, 2,048 messages', BODY_MS, () => estimate(texts));
await emulator.close();
const many = await manyThings();
for (const [name, most, work] of many.rows) await row(name, most, work);
await many.close();
for (const file of ['o200k_base', KIMI_FILE].filter((name) => name !== KIMI_FILE || existsSync(name))) {
  const source = openTokenizer({ file });
  const loaded = await source.load();
  for (const [kind, text] of longTexts()) {
    await worstRow(`${loaded.name}, 4 MB of ${kind}: counted`, [() => loaded.countSliced(text)]);
    await worstRow(`${loaded.name}, 4 MB of ${kind}: cut`, cuts(loaded, text));
    const { requests, close } = await cuttingRequests(source, text);
    await worstRow(`${loaded.name}, 8,192 tokens of ${kind}: truncate, snapshot, fork, rollback`, requests);
    await close();
  }
}
printTable('longest hold of the event loop, ms of processor time, worst of 3', rows);

async function worstRow(name: string, works: readonly (() => Promise<unknown>)[]): Promise<void> {
  let worst = 0;
  for (const work of works) worst = Math.max(worst, await longestHold(work));
  rows.push({ name, value: worst, target: `<= ${COUNTING_MS}`, ok: worst <= COUNTING_MS });
}

async function row(name: string, most: number, work: () => Promise<unknown>): Promise<void> {
  let worst = 0;
  for (let run = 0; run < 3; run += 1) worst = Math.max(worst, await longestHold(work));
  rows.push({ name, value: worst, target: `<= ${most}`, ok: worst <= most });
}

async function estimate(texts: readonly string[]): Promise<void> {
  const messages = texts.map((content) => ({ role: 'user', content }));
  const body = JSON.stringify({ model: 'kimi-k2-0905', messages });
  const url = `${emulator.baseURL}/tokenizers/estimate-token-count`;
  const response = await emulator.fetch(url, { method: 'POST', headers: HEADERS, body });
  if (!response.ok) throw new Error(await response.text());
}
