/**
 * How fast tokens are counted, beside the `tiktoken` package and `gpt-tokenizer`.
 * Run: npx tsx bench/tokens.ts
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearMergeCache, countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { get_encoding } from 'tiktoken';
import type { Tokenizer } from '../emulator/engines/tokens/tokenizer.ts';
import { openTokenizer } from '../emulator/tokenizer.ts';
import { printTable, type Row } from './table.ts';
import { ordinaryTexts, SHARED, worstTexts } from './tokens-texts.ts';
import { holdOf, processorMsOf, race } from './tokens-timing.ts';

const KIMI_FILE = join(SHARED, 'kimi-k2', 'tiktoken.model');
const NO_SPECIALS = { disallowedSpecial: new Set<string>() };

const [mode, cacheDir = ''] = process.argv.slice(2);
if (mode === '--load') await load(cacheDir);
else await main();

async function main(): Promise<void> {
  const tokenizer = await openTokenizer({ file: 'o200k_base' }).load();
  const reference = get_encoding('o200k_base');
  const ordinary = ordinaryTexts();
  const english = ordinary.english ?? '';
  const { tiktoken } = race({ tiktoken: () => reference.encode(english, [], []).length }, 2);
  printTable(
    'Ordinary text, o200k_base: million tokens a second; times as fast as others',
    ordinaryRows(tokenizer, ordinary),
  );
  printTable(
    'Worst cases of a million characters: ms; over the time of tiktoken for as much English',
    worstRows(tokenizer, tiktoken),
  );
  printTable('Cutting a million characters to 8,192 tokens: ms', await cutRows(tokenizer, english));
  printTable('Loading in a process of its own: ms', loadRows());
  if (!existsSync(KIMI_FILE)) return console.warn(`no figures for kimi-k2: ${KIMI_FILE} is not there`);
  const kimi = await openTokenizer({ file: KIMI_FILE }).load();
  const kimiRows = Object.entries(ordinary).map(([name, text]) => ({ name, value: speed(kimi, text) }));
  printTable('Ordinary text, kimi-k2: million tokens a second', kimiRows);
}

function ordinaryRows(tokenizer: Tokenizer, texts: Record<string, string>): Row[] {
  const reference = get_encoding('o200k_base');
  return Object.entries(texts).flatMap(([kind, text]) => {
    const { tiktoken } = race({ tiktoken: () => reference.encode(text, [], []).length }, 2);
    const gptTokenizer = () => countTokens(text, NO_SPECIALS);
    const fresh = race(
      {
        gptTokenizer: () => {
          clearMergeCache();
          gptTokenizer();
        },
      },
      3,
    );
    const { ours, remembered } = race({ ours: () => tokenizer.count(text), remembered: gptTokenizer }, 5);
    return [
      { name: kind, value: speed(tokenizer, text) },
      atLeast(3, `${kind}, tiktoken`, tiktoken / ours),
      atLeast(1, `${kind}, gpt-tokenizer, text new to it`, fresh.gptTokenizer / ours),
      atLeast(1, `${kind}, gpt-tokenizer, the same text again`, remembered / ours),
    ];
  });
}

function worstRows(tokenizer: Tokenizer, englishMs: number): Row[] {
  return Object.entries(worstTexts()).flatMap(([kind, text]) => {
    const double = text + text;
    const times = race({ once: () => tokenizer.count(text), twice: () => tokenizer.count(double) }, 6);
    return [
      { ...atMost(5, kind, times.once / englishMs), value: times.once },
      atMost(2.3, `${kind}, twice as much`, times.twice / times.once),
    ];
  });
}

async function cutRows(tokenizer: Tokenizer, english: string): Promise<Row[]> {
  const { 'random letters': randomLetters = '', dashes = '' } = worstTexts();
  const rows: Row[] = [];
  for (const [kind, text] of Object.entries({ english, 'random letters': randomLetters, dashes })) {
    const { count } = race({ count: () => tokenizer.count(text) }, 3);
    const head = await processorMsOf(() => tokenizer.prefixWithin(text, 8_192), 3);
    const tail = await processorMsOf(() => tokenizer.suffixWithin(text, 8_192), 3);
    rows.push({ name: `${kind}, head; over counting it all`, value: head, ratio: head / count });
    rows.push({ name: `${kind}, tail; over counting it all`, value: tail, ratio: tail / count });
  }
  return rows;
}

function loadRows(): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'kimi-emulator-bench-'));
  try {
    return ['cold', 'warm'].flatMap((kind) => {
      const args = [...process.execArgv, import.meta.filename, '--load', folder];
      const { ms, held, rss } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Loaded;
      return [
        { name: kind, value: ms, ...(kind === 'warm' && { target: '≤ 25', ok: ms <= 25 }) },
        { name: `${kind}, held`, value: held, target: '≤ 50', ok: held <= 50 },
        { name: `${kind}, resident memory, MB`, value: rss },
      ];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Loaded {
  ms: number;
  held: number;
  rss: number;
}

async function load(folder: string): Promise<void> {
  const { ms, held } = await holdOf(() => openTokenizer({ file: 'o200k_base', cacheDir: folder }).load());
  const loaded: Loaded = { ms, held, rss: process.memoryUsage().rss / 1e6 };
  process.stdout.write(JSON.stringify(loaded));
}

function speed(tokenizer: Tokenizer, text: string): number {
  return tokenizer.count(text) / race({ ours: () => tokenizer.count(text) }, 5).ours / 1_000;
}

function atLeast(target: number, name: string, ratio: number): Row {
  return { name, value: '', ratio, target: `≥ ${target}`, ok: ratio >= target };
}

function atMost(target: number, name: string, ratio: number): Row {
  return { name, value: '', ratio, target: `≤ ${target}`, ok: ratio <= target };
}
