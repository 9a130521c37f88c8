import { createEmulator } from '../emulator/index.ts';
import { processorMs } from './longest-hold.ts';
import { median } from './processes.ts';
import { printTable, type Row } from './table.ts';

const TOOLS = 30;
const RUNS = Number(process.env.KIMI_BENCH_RUNS ?? 200);
const WARM_UP = 50;
const KINDS = ['none', 'same', 'others'] as const;
type Kind = (typeof KINDS)[number];
const HEADERS = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };

/** What the tools of a request cost: an agent declares the same ones with every step. Processor time, in process. */
const emulator = createEmulator();
const rows: Row[] = [];
for (const model of ['kimi-k3', 'kimi-k2.6', 'kimi-k2-0905-preview']) {
  const times: Record<Kind, number[]> = { none: [], same: [], others: [] };
  // In turn, so that whatever else the machine does meets all kinds alike.
  for (let run = -WARM_UP; run < RUNS; run += 1) {
    for (const kind of KINDS) {
      const time = await ask(model, kind === 'none' ? [] : toolsOf(kind === 'same' ? 'same' : `run ${run}`));
      if (run >= 0) times[kind].push(time);
    }
  }
  const without = median(times.none);
  rows.push({ name: `${model}: no tools`, value: without });
  rows.push({ name: `${model}: the same ${TOOLS} tools again`, value: median(times.same) });
  rows.push({ name: `${model}: ${TOOLS} tools never sent before`, value: median(times.others) });
}
await emulator.close();
printTable(`a chat with ${TOOLS} tools of eight properties, ms of processor time, median of ${RUNS}`, rows);

async function ask(model: string, tools: readonly object[]): Promise<number> {
  const messages = [{ role: 'user', content: 'Reply exactly OK' }];
  const body = JSON.stringify({ model, messages, ...(tools.length > 0 && { tools }) });
  const url = `${emulator.baseURL}/chat/completions`;
  const started = processorMs();
  const response = await emulator.fetch(url, { method: 'POST', headers: HEADERS, body });
  await response.text();
  if (!response.ok) throw new Error(String(response.status));
  return processorMs() - started;
}

function toolsOf(mark: string): object[] {
  return Array.from({ length: TOOLS }, (_, place) => {
    const names = Array.from({ length: 8 }, (_, index) => `field_${index}_of_tool_${place}`);
    const properties = Object.fromEntries(
      names.map((name) => [name, { type: 'string', description: `What ${name} is for, in the words of ${mark}.` }]),
    );
    const description = `Reads part ${place} of the report and returns what it says (${mark}).`;
    const parameters = { type: 'object', properties, required: names.slice(0, 3), additionalProperties: false };
    return { type: 'function', function: { name: `read_part_${place}`, description, parameters } };
  });
}
