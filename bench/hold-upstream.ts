import { CASES, PATIENT } from '../test/gateway/hostile-cases.ts';
import { type Misbehave, openRawServer, TIMEOUTS } from '../test/gateway/raw-server.ts';
import { printTable, type Row } from './table.ts';
import { WatchedServer } from './watched-server.ts';

/** What a hostile upstream costs a gateway: how long each case holds its event loop, and how much memory it takes. */
const MOST_HELD_MS = 50;
/** A turn reads 64 MiB of an answer at most; what was read is joined, decoded and parsed. */
const MOST_MIB = 500;
/** Rows that the table has: the others hold less. */
const SHOWN = 8;
const HEADERS = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
const question = { model: 'kimi-k3', messages: [{ role: 'user', content: 'Where?' }] };

let misbehave: Misbehave = () => undefined;
const upstream = await openRawServer((socket, isStreamed) => misbehave(socket, isStreamed));
const start = ({ connect, firstByte, idle, turn }: typeof TIMEOUTS) =>
  WatchedServer.start([
    ...['gateway', '--upstream', upstream.base, '--memory', '--tokenizer', 'o200k_base'],
    ...['--connect-timeout', seconds(connect), '--first-byte-timeout', seconds(firstByte)],
    ...['--idle-timeout', seconds(idle), '--turn-timeout', seconds(turn)],
  ]);
const gateways = { brief: await start(TIMEOUTS), patient: await start(PATIENT) };
const ids = { brief: await newSession(gateways.brief), patient: await newSession(gateways.patient) };
const seen: { name: string; heldMs: number; delayMs: number; mib: number }[] = [];
// The first turns warm up: what is measured is not how long code takes to be compiled.
for (const isCounted of [false, true]) {
  for (const { title, upstream: how, timeouts } of CASES) {
    misbehave = how;
    const which = timeouts === PATIENT ? 'patient' : 'brief';
    for (const stream of [false, true]) {
      await gateways[which].seen();
      await ask(gateways[which], { ...question, stream, session_id: ids[which] });
      const { heldMs, delayMs, residentMiB } = await gateways[which].seen();
      const name = `an upstream that ${title}${stream ? ', streamed' : ''}`;
      if (isCounted) seen.push({ name, heldMs, delayMs, mib: residentMiB });
    }
  }
}
await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
upstream.close();

const longest = seen.toSorted((a, b) => b.heldMs - a.heldMs);
const most = Math.max(...seen.map(({ mib }) => mib));
const rows: Row[] = [
  ...longest.slice(0, SHOWN).map(({ name, heldMs }) => ({
    name: `${name}: longest hold, ms`,
    value: heldMs,
    target: `<= ${MOST_HELD_MS}`,
    ok: heldMs <= MOST_HELD_MS,
  })),
  { name: 'resident memory at most, MiB', value: most, target: `<= ${MOST_MIB}`, ok: most <= MOST_MIB },
];
printTable(`${seen.length} session turns with hostile upstreams; holds of the event loop in processor time`, rows);
if (rows.some(({ ok }) => ok === false)) process.exitCode = 1;

function seconds(ms: number): string {
  return String(ms / 1_000);
}

async function newSession({ port }: WatchedServer): Promise<string> {
  const body = JSON.stringify({ model: question.model });
  const response = await fetch(`http://127.0.0.1:${port}/v1/sessions`, { method: 'POST', headers: HEADERS, body });
  return ((await response.json()) as { id: string }).id;
}

async function ask({ port }: WatchedServer, body: object): Promise<void> {
  const init = { method: 'POST', headers: HEADERS, body: JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, init);
  const text = await response.text();
  if (!text.includes('"error"')) throw new Error(`no error: ${text.slice(0, 200)}`);
}
