import type { ChatMessage } from '../../contract/messages.ts';
import { compress } from '../../emulator/engines/compression/compress.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { printTable } from '../table.ts';
import { tokensOf } from './measure.ts';
import { table } from './table.ts';
import { dialogues, logs, novel, sources } from './windows.ts';

const WINDOW = 262_144;
const RUNS = 3;
const AIM_MS = 1_500;
const AIM_GROWTH = 2.2;
const AIM_HOLD_MS = 50;

/** Processor time, so that what else the machine does is left out: the least of the runs. */
interface Timing {
  readonly ms: number;
  /** The longest between two turns of the event loop. */
  readonly holdMs: number;
}

/** Prints how long a full window takes, how that grows, and how long it holds the event loop. */
export async function reportSpeed(tokenizer: Tokenizer): Promise<void> {
  const rows: string[][] = [];
  const full = mixed(WINDOW, tokenizer);
  await time(full, tokenizer);
  const holds: number[] = [];
  let previous: Timing | undefined;
  let growth = 0;
  for (const part of [1 / 4, 1 / 2, 1]) {
    const messages = part === 1 ? full : mixed(WINDOW * part, tokenizer);
    const timing = await best(messages, tokenizer);
    const factor = previous === undefined ? undefined : timing.ms / previous.ms;
    growth = Math.max(growth, factor ?? 0);
    rows.push(row(`mixed, ${Math.round((WINDOW * part) / 1024)}K tokens`, messages, timing, factor));
    holds.push(timing.holdMs);
    previous = timing;
  }
  for (const [name, messages] of hardCases()) {
    const timing = await best(messages, tokenizer);
    rows.push(row(name, messages, timing, undefined));
    holds.push(timing.holdMs);
  }
  console.log('\n### Speed: 4:1, outline, processor time, best of 3 runs\n');
  console.log(table(['window', 'messages', 'characters', 'ms', 'growth', 'longest hold, ms'], rows));
  const hold = Math.max(...holds);
  const ms = previous?.ms ?? 0;
  printTable('Verdicts', [
    { name: '256K tokens, ms', value: ms, target: `≤ ${AIM_MS}`, ok: ms <= AIM_MS },
    { name: 'doubling the window, times', value: growth, target: `≤ ${AIM_GROWTH}`, ok: growth <= AIM_GROWTH },
    { name: 'longest hold of the event loop, ms', value: hold, target: `≤ ${AIM_HOLD_MS}`, ok: hold <= AIM_HOLD_MS },
  ]);
}

function row(
  name: string,
  messages: readonly ChatMessage[],
  { ms, holdMs }: Timing,
  growth: number | undefined,
): string[] {
  const characters = messages.reduce((sum, { content }) => sum + (typeof content === 'string' ? content.length : 0), 0);
  return [
    name,
    String(messages.length),
    String(characters),
    ms.toFixed(0),
    growth === undefined ? '' : `${growth.toFixed(2)} ×`,
    holdMs.toFixed(1),
  ];
}

async function best(messages: readonly ChatMessage[], tokenizer: Tokenizer): Promise<Timing> {
  const timings: Timing[] = [];
  for (let run = 0; run < RUNS; run++) timings.push(await time(messages, tokenizer));
  return {
    ms: Math.min(...timings.map(({ ms }) => ms)),
    holdMs: Math.min(...timings.map(({ holdMs }) => holdMs)),
  };
}

async function time(messages: readonly ChatMessage[], tokenizer: Tokenizer): Promise<Timing> {
  const maxTokens = Math.max(64, Math.floor(tokensOf(messages, tokenizer) / 4));
  const request = {
    messages: messages.map((message, index) => ({ ref: index + 1, message, summary: false })),
    format: 'outline' as const,
    snapshotId: 'snap_benchmark',
    maxTokens,
  };
  await new Promise(setImmediate);
  let holdMs = 0;
  let running = true;
  const start = cpuMs();
  let last = start;
  const watch = () => {
    const now = cpuMs();
    holdMs = Math.max(holdMs, now - last);
    last = now;
    if (running) setImmediate(watch);
  };
  setImmediate(watch);
  await compress(request, tokenizer);
  running = false;
  return { ms: cpuMs() - start, holdMs: Math.max(holdMs, cpuMs() - last) };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Dialogues, a novel, code and logs by turns, up to so many tokens. */
function mixed(tokens: number, tokenizer: Tokenizer): ChatMessage[] {
  const kinds = [(dialogues() ?? []).flat(), novel() ?? [], sources(300_000), logs(3_000, 1)].filter(
    (kind) => kind.length > 0,
  );
  const messages: ChatMessage[] = [];
  let sum = 0;
  for (let at = 0; ; at++) {
    let any = false;
    for (const kind of kinds) {
      // Ten messages of a kind at a time, so that calls stay beside their results.
      for (const message of kind.slice(at * 10, at * 10 + 10)) {
        sum += tokensOf([message], tokenizer);
        if (sum > tokens) return messages;
        messages.push(message);
        any = true;
      }
    }
    if (!any) return messages;
  }
}

function hardCases(): [string, ChatMessage[]][] {
  const one = (content: string): ChatMessage[] => [{ role: 'user', content }];
  const tiny = Array.from({ length: 36_000 }, (_, at) => ({ role: 'user' as const, content: `n${at}` }));
  const records = Array.from({ length: 9_000 }, (_, at) => ({
    id: `r${at * 7919}`,
    price: at % 997,
    owner: { mail: `u${at}@x.org` },
  }));
  return [
    ['36,000 tiny messages', tiny],
    ['1 MB of JSON records', one(JSON.stringify(records).padEnd(1_000_000))],
    ['1 MB of one letter', one('a'.repeat(1_000_000))],
    ['1 MB of line breaks', one('\n'.repeat(1_000_000))],
    ['1 MB of brackets', one('['.repeat(1_000_000))],
    ['1 MB of spaces in code', one(`const a = 1;\nlet b;\nvar c;\n// x${' '.repeat(1_000_000)}y;`)],
    ['1 MB of slashes and dots', one('a/b.c'.repeat(200_000))],
    ['1 MB of colons', one('a: b: '.repeat(166_000))],
    ['1 MB of Han without a stop', one('天地玄黄宇宙洪荒'.repeat(42_000))],
  ];
}
