import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { httpPost, load } from './http-load.ts';
import { type Child, median, startServer } from './processes.ts';
import { printTable } from './table.ts';

const WARM_UP = 4_000;
const ROUNDS = Number(process.env.KIMI_BENCH_RUNS ?? 40);
const EACH = 500;
/** Milliseconds of a tick in `/proc/PID/stat`. */
const TICK_MS = 10;
const MOST = 1.03;
const MESSAGES = [
  { role: 'system', content: 'The berth of the Ada is B-14.' },
  { role: 'user', content: 'What is the berth of the Ada?' },
];

/**
 * Processor time of plain chats with kimi-k2-0905 against another build of this project, whose folder is the argument: rounds
 * in turn, in one run. A check of what models are refused, counted and told costs.
 */
const [other] = process.argv.slice(2);
if (other === undefined) throw new Error('usage: npx tsx bench/overhead.ts FOLDER_OF_ANOTHER_CHECKOUT (built)');
const cli = join('dist', 'emulator', 'cli', 'main.js');
const flags = ['--json', '--port', '0', '--memory', '--tokenizer', 'o200k_base'];
const before = await startServer([join(other, cli), ...flags]);
const now = await startServer([cli, ...flags]);
const request = httpPost('/v1/chat/completions', JSON.stringify({ model: 'kimi-k2-0905-preview', messages: MESSAGES }));
for (const { port } of [before, now]) await load(port, 4, WARM_UP, () => request);
const times: Record<'before' | 'now', number[]> = { before: [], now: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  const order: [Child, Child] = round % 2 === 0 ? [before, now] : [now, before];
  const [first, second] = [await timeOf(order[0]), await timeOf(order[1])];
  const [old, young] = round % 2 === 0 ? [first, second] : [second, first];
  times.before.push(old);
  times.now.push(young);
}
await Promise.all([before.stop(), now.stop()]);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const ratio = sum(times.now) / sum(times.before);
const perChat = (values: readonly number[]): number => sum(values) / (ROUNDS * EACH);
printTable(`plain chats, ms of processor time each, ${ROUNDS} rounds of ${EACH} in turn`, [
  { name: `the build of ${other}`, value: perChat(times.before).toFixed(3) },
  { name: 'this build', value: perChat(times.now).toFixed(3), ratio, target: `<= ${MOST} ×`, ok: ratio <= MOST },
  { name: '  by the median of the rounds', value: '', ratio: median(times.now) / median(times.before) },
]);

async function timeOf({ port, process: server }: Child): Promise<number> {
  const started = processorTicks(server.pid ?? 0);
  await load(port, 4, EACH, () => request);
  return (processorTicks(server.pid ?? 0) - started) * TICK_MS;
}

function processorTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
