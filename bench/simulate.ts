import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KimiClient, RollingSession } from '../client/index.ts';
import { createEmulator } from '../emulator/index.ts';
import { printTable, type Row } from './table.ts';

const ROUNDS = 500;
/** 512 tokens a round, so that 500 of them are 256K. */
const QUESTION_TOKENS = 440;
const MODEL = 'kimi-k3';
const MAX_KEEP = [16, 24, 32, 48, 64, 96, 128, 160, 192, 224].map((thousands) => thousands * 1_000);
const PRESERVE_LEN = [8_000, 12_000];
const POLICIES = ['truncate', 'compress'] as const;
/** Of the settings, each fifth goes through the server: all of them would take the rest of the hour. */
const SAMPLED = 5;
const CORES = 2;
/** Of the system's clock of processes. */
const TICK_MS = 10;
const NOUNS = 'harbour ledger orchard engine window valley signal garden pocket bridge lantern parcel'.split(' ');

const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
const settings = POLICIES.flatMap((policy) =>
  MAX_KEEP.flatMap((maxKeep) => PRESERVE_LEN.map((preserveLen) => ({ policy, maxKeep, preserveLen }))),
);

/** A sweep over a 256K-token transcript, against the same runs through the HTTP server: `npm run build && npx tsx bench/simulate.ts` */
const whole = await sweep(ROUNDS, MAX_KEEP);
const halfRounds = await sweep(ROUNDS / 2, MAX_KEEP);
const halfSettings = await sweep(
  ROUNDS,
  MAX_KEEP.filter((_, place) => place % 2 === 0),
);
const served = await throughServer();
rmSync(folder, { recursive: true });
const perRun = (one: Swept, runs: number) => one.processorMs / runs;
const runs = settings.length * ROUNDS;
const rows: Row[] = [
  {
    name: `${settings.length} settings, ${ROUNDS} rounds, on ${CORES} threads, s`,
    value: whole.seconds,
    target: '<= 60',
    ok: whole.seconds <= 60,
  },
  { name: 'resident memory at most, MiB', value: whole.peakMiB, target: '<= 500', ok: whole.peakMiB <= 500 },
  growth('processor time a round and setting, 250 → 500 rounds, ms', perRun(halfRounds, runs / 2), perRun(whole, runs)),
  growth('the same, 20 → 40 settings, ms', perRun(halfSettings, runs / 2), perRun(whole, runs)),
  {
    name: `the same through the server, one setting after another (each ${SAMPLED}th × ${SAMPLED}), s`,
    value: served.seconds,
    ratio: served.seconds / whole.seconds,
    target: '>= 8 ×',
    ok: served.seconds / whole.seconds >= 8,
  },
  {
    name: 'processor time of the server and its client against the command, s',
    value: served.processorMs / 1_000,
    ratio: served.processorMs / whole.processorMs,
  },
];
printTable(`simulate: ${MODEL}, ${ROUNDS} rounds of some 512 tokens`, rows);

function growth(name: string, less: number, more: number): Row {
  return {
    name,
    value: `${less.toFixed(3)} → ${more.toFixed(3)}`,
    ratio: more / less,
    target: '<= 1.25 ×',
    ok: more / less <= 1.25,
  };
}

interface Swept {
  seconds: number;
  processorMs: number;
  peakMiB: number;
}

/** The command on the built package, with its clock, its processor time and its peak of memory. */
async function sweep(rounds: number, maxKeep: readonly number[]): Promise<Swept> {
  const file = join(folder, `${rounds}.jsonl`);
  writeFileSync(
    file,
    Array.from({ length: rounds }, (_, round) =>
      exchange(round)
        .map((one) => JSON.stringify(one))
        .join('\n'),
    ).join('\n'),
  );
  const args = [
    '--transcript',
    file,
    '--policies',
    POLICIES.join(','),
    '--model',
    MODEL,
    '--tokenizer',
    'o200k_base',
    '--json',
  ];
  const sizes = ['--max-keep', maxKeep.join(','), '--preserve-len', PRESERVE_LEN.join(','), '--workers', String(CORES)];
  const started = performance.now();
  const child = spawn(process.execPath, ['dist/emulator/cli/main.js', 'simulate', ...args, ...sizes], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const seen = { peakMiB: 0, processorMs: 0 };
  const watch = setInterval(() => Object.assign(seen, usageOf(child.pid ?? 0)), 50);
  const [code] = (await once(child, 'exit')) as [number];
  clearInterval(watch);
  if (code !== 0) throw new Error(`simulate exited with ${code}`);
  return { seconds: (performance.now() - started) / 1_000, ...seen };
}

/** Of a process that still runs, from the system. */
function usageOf(pid: number): Omit<Swept, 'seconds'> | undefined {
  try {
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
      .slice(11, 13)
      .map(Number);
    // What has ended has no memory left to tell of.
    return Number.isNaN(peak)
      ? undefined
      : { peakMiB: peak / 1_024, processorMs: ((user ?? 0) + (system ?? 0)) * TICK_MS };
  } catch {
    return undefined;
  }
}

function exchange(round: number) {
  const lines: string[] = [`Round ${round}: the badge of visitor ${round} is Z${7_000 + round * 31}-${round}.`];
  for (let line = 0; lines.length * 14 < QUESTION_TOKENS; line += 1) {
    const noun = (step: number) => NOUNS[(round * 7 + line * 5 + step) % NOUNS.length];
    lines.push(`The ${noun(0)} of the ${noun(3)} keeps the ${noun(8)} ${round}.${line} open until ${line % 12}.`);
  }
  const answer = lines.slice(1, 4).join(' ');
  return [
    { role: 'user' as const, content: lines.join('\n') },
    { role: 'assistant' as const, content: answer },
  ];
}

/** The real client on a port of the real server, which answers as the transcript does: what all settings would take. */
async function throughServer(): Promise<Omit<Swept, 'peakMiB'>> {
  const answers = new Map(
    Array.from({ length: ROUNDS }, (_, round) => exchange(round)).map(([question, answer]) => [
      question?.content,
      answer?.content ?? '',
    ]),
  );
  await using emulator = createEmulator({
    tokenizer: 'o200k_base',
    model: {
      name: 'recorded',
      async *complete({ messages }) {
        yield { type: 'text', text: answers.get(String(messages.at(-1)?.content)) ?? '' };
      },
    },
  });
  await emulator.listen();
  const client = new KimiClient({ baseURL: emulator.baseURL, apiKey: 'bench' });
  const started = performance.now();
  const before = process.cpuUsage();
  for (const { policy, maxKeep, preserveLen } of settings.filter((_, place) => place % SAMPLED === 0)) {
    const agent = await RollingSession.open(client, { model: MODEL, policy, maxKeep, preserveLen });
    for (let round = 0; round < ROUNDS; round += 1) await agent.complete(exchange(round)[0]?.content ?? '');
    await agent.delete();
  }
  const { user, system } = process.cpuUsage(before);
  return {
    seconds: ((performance.now() - started) / 1_000) * SAMPLED,
    processorMs: ((user + system) / 1_000) * SAMPLED,
  };
}
