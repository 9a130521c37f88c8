import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { fileCheckpoint } from '../client/file-checkpoint.ts';
import { KimiClient, RollingSession } from '../client/index.ts';
import { createEmulator, type Model } from '../emulator/index.ts';

/**
 * What the client costs over the stock SDK making the same calls: a streamed turn, and where the window is over its limit a
 * snapshot and a cut. Over HTTP, round by round in turns, so that whatever else the machine does hits all alike.
 * Usage: npx tsx bench/client.ts [rounds]
 */
const ROUNDS = Number(process.argv[2] ?? 400);
const WARM_UP = 40;
const MAX_KEEP = 12_000;
const PRESERVE_LEN = 4_096;
const ANSWER = 'The harbour was quiet, and the pilot had gone home. '.repeat(12);
const QUESTION = 'What did the pilot see when the harbour was quiet? '.repeat(20);

const model: Model = {
  name: 'fixed',
  async *complete() {
    yield { type: 'text', text: ANSWER };
  },
};

const emulator = createEmulator({ model });
await emulator.listen();
const settings = { baseURL: emulator.baseURL, apiKey: 'sk-bench' };
const folder = mkdtempSync(join(tmpdir(), 'bench-client-'));

type Round = () => Promise<number>;

async function stock(): Promise<Round> {
  const client = new OpenAI(settings);
  let calls = 0;
  // The same calls carry a key: without one the server has less to do.
  const keyed = () => ({ headers: { 'Idempotency-Key': `stock-${calls++}` } });
  const { id } = await client.post<{ id: string }>('/sessions', { body: {} });
  return async () => {
    const body = {
      model: 'kimi-k2-0905',
      session_id: id,
      messages: [{ role: 'user' as const, content: QUESTION }],
      max_tokens: 4_000,
      temperature: 0.2,
      stream: true as const,
    };
    let characters = 0;
    let tokens = 0;
    for await (const chunk of await client.chat.completions.create(body, keyed())) {
      characters += chunk.choices[0]?.delta.content?.length ?? 0;
      const { session } = chunk as { session?: { usage: { total_tokens: number } } };
      tokens = session?.usage.total_tokens ?? tokens;
    }
    if (tokens > MAX_KEEP) {
      await client.post(`/sessions/${id}/snapshots`, { body: { preserve_len: PRESERVE_LEN }, ...keyed() });
      await client.post(`/sessions/${id}/truncate`, { body: { preserve_len: PRESERVE_LEN }, ...keyed() });
    }
    return characters;
  };
}

async function rolling(file?: string): Promise<Round> {
  const agent = await RollingSession.open(new KimiClient(settings), {
    maxKeep: MAX_KEEP,
    preserveLen: PRESERVE_LEN,
    ...(file !== undefined && { checkpoint: fileCheckpoint(join(folder, file)) }),
  });
  return async () => {
    let characters = 0;
    for await (const delta of agent.chat(QUESTION)) characters += delta.length;
    return characters;
  };
}

const lanes = {
  'stock SDK': await stock(),
  RollingSession: await rolling(),
  'RollingSession, file checkpoint': await rolling('agent.json'),
};
const times = new Map(Object.keys(lanes).map((name) => [name, { wall: [] as number[], cpu: [] as number[] }]));
const entries = Object.entries(lanes);
for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
  // Each goes first, in the middle and last equally often: what one leaves to be collected, another pays for.
  for (const [name, run] of [...entries.slice(round % 3), ...entries.slice(0, round % 3)]) {
    const start = performance.now();
    const cpuBefore = process.cpuUsage();
    const characters = await run();
    const { user, system } = process.cpuUsage(cpuBefore);
    const wall = performance.now() - start;
    if (characters !== ANSWER.length) throw new Error(`${name} read ${characters} characters`);
    if (round < WARM_UP) continue;
    times.get(name)?.wall.push(wall);
    times.get(name)?.cpu.push((user + system) / 1_000);
  }
}
await emulator.close();
rmSync(folder, { recursive: true });

/** The quarter that the machine disturbed least; a cut now and then is in the mean of it. */
const quiet = (list: readonly number[]) => mean(list.toSorted((a, b) => a - b).slice(0, Math.ceil(list.length / 4)));
const mean = (list: readonly number[]) => list.reduce((sum, time) => sum + time, 0) / list.length;
const over = (ratio: number) => `${((ratio - 1) * 100).toFixed(1)} %`.padStart(8);
const base = times.get('stock SDK') ?? { wall: [], cpu: [] };
console.log(
  `${ROUNDS} rounds each, in turns; ms a round, client and server together, and what that is over the stock SDK`,
);
for (const [name, { wall, cpu }] of times) {
  console.log(
    [
      name.padEnd(32),
      `processor ${mean(cpu).toFixed(2)} ${over(mean(cpu) / mean(base.cpu))}`,
      `clock, least disturbed quarter ${quiet(wall).toFixed(2)} ${over(quiet(wall) / quiet(base.wall))}`,
      `clock ${mean(wall).toFixed(2)} ${over(mean(wall) / mean(base.wall))}`,
    ].join('   '),
  );
}
