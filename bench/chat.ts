import { httpPost, load } from './http-load.ts';
import { type Child, startServer } from './processes.ts';
import { printTable, type Row } from './table.ts';

const CLIENTS = 8;
const TOTAL = 3_000;
const ROUNDS = 3;
const CHUNK = 16;
const TEXT = 'The agent has read the report and lists what is left to do, one thing a line. '.repeat(8).slice(0, 480);

/** Stateless chat against aimock, with equal text and an equal number of events. */
const rows: Row[] = [];
for (const stream of [false, true]) {
  const rates = { aimock: 0, emulator: 0 };
  const events = { aimock: 0, emulator: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    const aimock = await startServer(['bench/rivals/aimock.mjs', TEXT, String(CHUNK)]);
    const emulator = await startServer(['dist/emulator/cli/main.js', '--json', '--port', '0', '--memory']);
    for (const [name, server] of Object.entries({ aimock, emulator }) as ['aimock' | 'emulator', Child][]) {
      const { perSecond, last } = await measure(server, stream);
      rates[name] = Math.max(rates[name], perSecond);
      events[name] = last.split('data: ').length - 1;
      await server.stop();
    }
  }
  const name = stream ? 'streamed' : 'not streamed';
  rows.push({ name: `${name}: aimock, answers/s (${events.aimock} events)`, value: rates.aimock });
  const ratio = rates.emulator / rates.aimock;
  rows.push({
    name: `${name}: emulator, answers/s (${events.emulator} events)`,
    value: rates.emulator,
    ratio,
    target: '> 1',
    ok: ratio > 1,
  });
}
printTable(
  `stateless chat of ${TEXT.length} characters, ${CLIENTS} clients, best of ${ROUNDS} rounds of ${TOTAL}`,
  rows,
);

async function measure({ port }: Child, stream: boolean): Promise<{ perSecond: number; last: string }> {
  const messages = [{ role: 'user', content: `Reply with only: ${TEXT}` }];
  const request = httpPost('/v1/chat/completions', JSON.stringify({ model: 'kimi-k2-0905-preview', messages, stream }));
  await load(port, CLIENTS, 300, () => request);
  return load(port, CLIENTS, TOTAL, () => request);
}
