/**
 * How fast tokens are counted, beside the `tiktoken` package and `gpt-tokenizer`, and that nothing stalls it.
 * Run: npx tsx bench/tokens.ts
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearMergeCache, countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { get_encoding } from 'tiktoken';
import { openTokenizer } from '../emulator/tokens/open-tokenizer.ts';
import type { Tokenizer } from '../emulator/tokens/tokenizer.ts';
import { printTable, type Row } from './table.ts';
import { ordinaryTexts, SHARED, worstTexts } from './tokens-texts.ts';
import { holdOf, race } from './tokens-timing.ts';

const KIMI_FILE = join(SHARED, 'kimi-k2', 'tiktoken.model');
const BODY_CHARACTERS = 4 * 2 ** 20;
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
  printTable(
    'Counting in slices: ms in all; the longest time that the event loop was held',
    await holdRows(tokenizer, english),
  );
  printTable('Cutting a million characters to 8,192 tokens: ms', cutRows(tokenizer, english));
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
    const times = race({ once: () => tokenizer.count(text), twice: () => tokenizer.count(double) }, 3);
    return [
      { ...atMost(5, kind, times.once / englishMs), value: times.once },
      atMost(2.3, `${kind}, twice as much`, times.twice / times.once),
    ];
  });
}

async function holdRows(tokenizer: Tokenizer, english: string): Promise<Row[]> {
  const body = english.repeat(Math.ceil(BODY_CHARACTERS / english.length)).slice(0, BODY_CHARACTERS);
  const messages = Array.from({ length: 2_048 }, (_, i) => body.slice(i * 2_048, (i + 1) * 2_048));
  const [letters, han, spaces] = ['a', '中', ' '].map((sign) => sign.repeat(BODY_CHARACTERS / Buffer.byteLength(sign)));
  const works: Record<string, () => Promise<unknown>> = {
    '4 MB of English': () => tokenizer.countSliced(body),
    '4 MB of one letter': () => tokenizer.countSliced(letters ?? ''),
    '4 MB of one Han character': () => tokenizer.countSliced(han ?? ''),
    '4 MB of spaces': () => tokenizer.countSliced(spaces ?? ''),
    '2,048 messages of 2 KB': async () => {
      for (const message of messages) await tokenizer.countSliced(message);
    },
    '2,048 messages of 2 KB at once': () => Promise.all(messages.map((message) => tokenizer.countSliced(message))),
    '16 texts of 256 KB at once': () =>
      Promise.all(
        Array.from({ length: 16 }, (_, i) => tokenizer.countSliced(body.slice(i * 2 ** 18, (i + 1) * 2 ** 18))),
      ),
  };
  const rows: Row[] = [];
  for (const [name, work] of Object.entries(works)) {
    const { ms, held } = await holdOf(work);
    rows.push({ name, value: ms }, { name: `${name}, held`, value: held, target: '≤ 50', ok: held <= 50 });
  }
  return rows;
}

function cutRows(tokenizer: Tokenizer, english: string): Row[] {
  const { 'random letters': randomLetters = '', dashes = '' } = worstTexts();
  return Object.entries({ english, 'random letters': randomLetters, dashes }).flatMap(([kind, text]) => {
    const { head, tail, count } = race(
      {
        head: () => tokenizer.prefixWithin(text, 8_192),
        tail: () => tokenizer.suffixWithin(text, 8_192),
        count: () => tokenizer.count(text),
      },
      3,
    );
    return [
      { name: `${kind}, head; over counting it all`, value: head, ratio: head / count },
      { name: `${kind}, tail; over counting it all`, value: tail, ratio: tail / count },
    ];
  });
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
