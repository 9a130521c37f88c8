import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { printTable, type Row } from './table.ts';
import { WatchedServer } from './watched-server.ts';

const MIB = 2 ** 20;
const BODY_MIB = 64;
const PARTS = 12;
const MOST_HELD_MS = 50;
const HEADERS = { Authorization: 'Bearer sk-bench' };
const JSON_HEADERS = { ...HEADERS, 'Content-Type': 'application/json' };
/** How long a server may take to give memory back. */
const SETTLE_MS = 3_000;
/**
 * What may stay once a body is answered, however many came before it. Expected are the pages that SQLite keeps (`cache_size`,
 * 16 MB) and V8's young generation (two halves of 16 MiB), in which what came in waits for a collection.
 */
const STAYS_MIB = 64;

/** Bodies of 64 MiB with pictures: how long the server's event loop is held, its memory, and what the store takes. */
const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const database = join(folder, 'state.db');
const pictures = Array.from({ length: PARTS }, () => picture(Math.floor((BODY_MIB * MIB * 3) / 4 / PARTS)));
const text = { type: 'text', text: 'Twelve plans of the house.' };
const parts = pictures.map(asPart);
const message = { role: 'user', content: [text, ...parts] };
const server = await WatchedServer.start(['--db', database]);
const base = `http://127.0.0.1:${server.port}/v1`;
const rows: Row[] = [];
await post('/chat/completions', { model: 'kimi-k3', messages: [{ role: 'user', content: 'Reply exactly OK' }] });
const { id } = await post('/sessions', { model: 'kimi-k3' });
const idle = (await server.seen()).nowMiB;
const small = { ...message, content: [text, ...pictures.map((bytes) => asPart(bytes.subarray(0, 64)))] };
const counted = await post('/tokenizers/estimate-token-count', { model: 'kimi-k3', messages: [small] });
await measured('an append', `/sessions/${id}/messages`, message, ({ tokens }) => {
  const estimate = (counted.data as { total_tokens: number }).total_tokens;
  // The estimate has the opening of the answer and the message about the effort besides.
  rows.push({
    name: '  tokens of the append, of the same sizes without their bytes',
    value: `${tokens} of ${estimate}`,
  });
});
const afterOne = statSync(database).size + walOf(database);
await measured('the same append again', `/sessions/${id}/messages`, message);
const grown = (statSync(database).size + walOf(database) - afterOne) / MIB;
rows.push({ name: '  growth of the store, MiB', value: grown, target: '<= 1', ok: grown <= 1 });
await measured('a chat', '/chat/completions', { model: 'kimi-k3', messages: [message] });
await measured('an upload of one file', '/files', uploadForm(Buffer.concat(pictures)));
for (let more = 0; more < 5; more += 1) await post('/chat/completions', { model: 'kimi-k3', messages: [message] });
await measured('a chat behind five more', '/chat/completions', { model: 'kimi-k3', messages: [message] });
await server.stop();
printTable(`bodies of ${BODY_MIB} MiB, ${PARTS} pictures, in a server of its own (idle: ${idle.toFixed(0)} MiB)`, rows);
rmSync(folder, { recursive: true });
if (rows.some(({ ok }) => ok === false)) process.exitCode = 1;

async function measured(
  name: string,
  path: string,
  body: object,
  look: (answer: Record<string, unknown>) => void = () => undefined,
): Promise<void> {
  await server.seen();
  const answer = await post(path, body);
  const during = await server.seen();
  look(answer);
  await wait(SETTLE_MS);
  const { nowMiB } = await server.seen();
  const most = 4 * BODY_MIB;
  const back = idle + STAYS_MIB;
  rows.push(
    limit(`${name}: longest hold of the event loop, ms of processor time`, during.heldMs, MOST_HELD_MS),
    { name: '  the same by the clock (monitorEventLoopDelay), ms', value: during.delayMs },
    limit('  resident memory at most, MiB', during.residentMiB, most),
    limit(`  resident memory ${SETTLE_MS / 1_000} s later, MiB`, nowMiB, back),
  );
}

function limit(name: string, value: number, most: number): Row {
  return { name, value, target: `<= ${most.toFixed(0)}`, ok: value <= most };
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const sent =
    body instanceof FormData ? { headers: HEADERS, body } : { headers: JSON_HEADERS, body: JSON.stringify(body) };
  const response = await fetch(base + path, { method: 'POST', ...sent });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

function walOf(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

function asPart(bytes: Uint8Array) {
  return { type: 'image_url', image_url: { url: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}` } };
}

/** A picture of 64 × 64 by its header, and random bytes behind it. */
function picture(size: number): Buffer {
  const file = randomBytes(size);
  file.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
  file.writeUInt32BE(64, 16);
  file.writeUInt32BE(64, 20);
  return file;
}

function uploadForm(file: Buffer): FormData {
  const form = new FormData();
  form.append('purpose', 'image');
  form.append('file', new Blob([new Uint8Array(file)]), 'plans.png');
  return form;
}
