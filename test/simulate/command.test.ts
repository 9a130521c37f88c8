import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Simulation } from '../../emulator/simulate/index.ts';
import { inTurn } from '../support/in-turn.ts';
import { asLines, talk } from './talk.ts';

const itInTurn = inTurn(3);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = join(ROOT, 'dist/emulator/cli/main.js');
const FOLDER = mkdtempSync(join(tmpdir(), 'simulate-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function simulate(...args: string[]): Promise<Ended> {
  const options = { cwd: FOLDER, maxBuffer: 2 ** 27 };
  const workers = args.includes('--workers') ? [] : ['--workers', '1'];
  const all = [MAIN, 'simulate', '--tokenizer', 'o200k_base', ...workers, ...args];
  const run = promisify(execFile)(process.execPath, all, options);
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
  );
}

const SWEEP = ['--transcript', 'talk.jsonl', '--max-keep', '12000,30000', '--preserve-len', '5000'];

beforeAll(() => writeFileSync(join(FOLDER, 'talk.jsonl'), asLines(talk(60))));

describe('kimi-emulator simulate', () => {
  itInTurn(
    'prints every setting with its cost, both savings and both kinds of recall, and what it recommends',
    async () => {
      const { code, stdout, stderr } = await simulate(...SWEEP);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(stdout).toContain('talk.jsonl: 60 requests, 120 messages, 20 facts planted, 40 of its own');
      expect(stdout).toContain('saved against stateless with cache (cached) and without');
      expect(stdout).toMatch(/^. truncate 12K\/5K +\d\.\d{4} +−?[\d.]+ % +[\d.]+ % +\d+ % +\d+ %$/m);
      expect(stdout).toMatch(/Recommended: .* at [\d,]+, keep 5,000/);
      expect(stdout.replace(/\s+/g, ' ')).toContain('the lookup model answers 14 to 17 %, a small language model 73 %');
      expect(stdout.replace(/\s+/g, ' ')).toContain('Latency is a model and not measured');
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    },
  );

  itInTurn('prints the same bytes on one thread and on three', async () => {
    const one = await simulate(
      ...SWEEP,
      '--json',
      '--workers',
      '1',
      '--ratio',
      '2,4',
      '--ttl',
      '5m,1h',
      '--policies',
      'truncate,compress',
    );
    const three = await simulate(
      ...SWEEP,
      '--json',
      '--workers',
      '3',
      '--ratio',
      '2,4',
      '--ttl',
      '5m,1h',
      '--policies',
      'truncate,compress',
    );
    expect(three.stdout).toBe(one.stdout);
    const { rows, complete } = JSON.parse(one.stdout) as Simulation;
    expect(complete).toBe(true);
    // Two times to live: two baselines, two sizes of truncate, and two times two of compress.
    expect(rows).toHaveLength(2 * (2 + 2 + 4));
    for (const { savings } of rows)
      expect(savings.map(({ baseline }) => baseline)).toEqual(['stateless', 'stateless+cache']);
  });

  itInTurn('prints Markdown', async () => {
    const { stdout } = await simulate(...SWEEP, '--markdown', '--policies', 'truncate');
    expect(stdout).toContain(
      '| setting | cost, USD | saved against stateless with cache | saved against stateless without cache |',
    );
    expect(stdout).toMatch(/^\| (?:★ )?truncate at 12,000, keep 5,000 \| \d/m);
    expect(stdout).toMatch(/^\*\*Recommended:\*\* /m);
  });

  itInTurn('takes a policy from a module', async () => {
    writeFileSync(
      join(FOLDER, 'mine.mjs'),
      'export default ({ preserveLen }) => [{ kind: "truncate", preserve_len: preserveLen }];\n',
    );
    const { stdout } = await simulate(...SWEEP, '--json', '--policies', 'truncate,./mine.mjs');
    const { rows } = JSON.parse(stdout) as Simulation;
    const costs = (policy: string) => rows.filter(({ setting }) => setting.policy === policy).map(({ cost }) => cost);
    expect(costs('./mine.mjs')).toEqual(costs('truncate'));
    expect(costs('truncate')).toHaveLength(2);
  });

  itInTurn('holds assertions, and names the worst offender', async () => {
    const held = await simulate(
      ...SWEEP,
      '--policies',
      'truncate',
      '--assert',
      'cost<100USD',
      '--assert',
      'recall>=0%',
    );
    expect(held).toMatchObject({ code: 0, stderr: '' });
    const failed = await simulate(
      ...SWEEP,
      '--policies',
      'truncate',
      '--assert',
      'cost<0.10USD',
      '--assert',
      'recall>0.99',
    );
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(
      /^kimi-emulator simulate: cost<0\.10USD fails for 2 of 2 settings; the worst: truncate at 30,000, keep 5,000: \d\.\d{6} USD\nkimi-emulator simulate: recall>0\.99 fails for 2 of 2 settings; the worst: truncate at 12,000, keep 5,000: [\d.]+ %\n$/,
    );
  });

  itInTurn(
    'replays the article’s scenarios where nothing is named, each claim beside what comes out and its baseline',
    async () => {
      const { stdout, code } = await simulate('--json', '--policies', 'truncate', '--max-keep', '40000');
      expect(code).toBe(0);
      const { claims, input, transcripts, rows } = JSON.parse(stdout) as Simulation;
      expect(input).toMatch(/^100 source files of \d+ installed packages/);
      expect(transcripts.map(({ rounds }) => rounds)).toEqual([100, 100, 40]);
      expect(claims.map(({ scenario, measure, claimed }) => `${scenario}: ${measure} ${claimed}`)).toEqual([
        'review of 100 files: latency −86 %',
        'review of 100 files: cost –',
        'agent dialogue: cost −39 %',
        'agent dialogue: cost −39 %',
        'log of 4,000 lines: accuracy +18 %',
        'log of 4,000 lines: cost –',
        'all: cost −30…40 %',
        'all: cost −30…40 %',
        'all: latency −50…80 %',
        'all: latency −50…80 %',
      ]);
      for (const { own, baseline, simulated } of claims) {
        expect([own, baseline]).not.toContain('');
        expect(Number.isFinite(simulated)).toBe(true);
      }
      // 50 rounds never reach the trigger: the session sends what a client without one does, and the cache is all of the saving.
      const [without, withCache] = claims.filter(({ scenario }) => scenario === 'agent dialogue');
      expect(without?.simulated).toBeLessThan(-0.5);
      expect(withCache?.simulated).toBe(0);
      expect(rows.every(({ ended }) => ended.length === 0)).toBe(true);
    },
  );

  it.each<[string[], RegExp]>([
    [['--max-kep', '5'], /^unknown flag '--max-kep'; did you mean --max-keep\? \(see --help\)$/],
    [['--max-keep', 'many'], /^--max-keep takes numbers, not many \(see --help\)$/],
    [
      ['--policies', 'forget'],
      /^--policies, where it is not a path, is one of none, stateless, .*, compress-then-truncate, not forget \(see --help\)$/,
    ],
    [['--policies', './nowhere.mjs'], /^--policies: \S+nowhere\.mjs cannot be loaded: Cannot find module /],
    [
      ['--assert', 'price<1'],
      /^--assert takes a condition such as cost<1\.20USD or recall>0\.95, of cost, recall, .*, not price<1 \(see --help\)$/,
    ],
    [['--assert', 'cost<1EUR'], /^--assert takes a condition /],
    [['--json', '--markdown'], /^--json and --markdown exclude each other \(see --help\)$/],
    [['--workers', '0'], /^--workers takes a number from 1 to 64 \(see --help\)$/],
    [['--model', 'kimi-k4'], /^--model: kimi-k4 is not a known model; did you mean kimi-k3\? \(see --help\)$/],
    [['--model', ''], /^--model: nothing is not a known model /],
    [['--date', '2026-13-01'], /^--date must be a day such as 2026-10-24, not "2026-13-01" \(see --help\)$/],
    [
      ['--date', '2026-10-24,2026-07-15'],
      /^--date: 2026-07-15 is before 2026-07-16, from which on a price of kimi-k3 in USD is known \(see --help\)$/,
    ],
    [
      ['--max-keep', '20000,8000'],
      /^--max-keep must be more than 8000, the least that a cut leaves \(preserveLen\), not 8000 \(see --help\)$/,
    ],
    [
      ['--preserve-len', '180000'],
      /^--preserve-len must be less than 180000, the most that triggers \(maxKeep\), not 180000 /,
    ],
    [['--preserve-len', '4095'], /^--preserve-len must be a whole number of tokens from 4096, not 4095 /],
    [['--ratio', '1'], /^--ratio must be a number from 1\.01 to 64, not 1 /],
    [['--ttl', '2h'], /^--ttl must be 5m or 1h, not "2h" /],
    [['--window', '100'], /^--window must be a whole number of tokens from 4096 to 1048576, not 100 /],
    [['--window', '1048577'], /^--window must be a whole number of tokens from 4096 to 1048576, not 1048577 /],
    [['--assert', 'planted<95'], /^--assert planted takes a share up to 1, or up to 100 %, not planted<95 /],
    [['--assert', 'natural>101%'], /^--assert natural takes a share up to 1, or up to 100 %, not natural>101% /],
    [['--plant', '201'], /^--plant must be a whole number from 0 to 200, not 201 /],
    [['--natural', '0.5'], /^--natural must be a whole number from 0 to 200, not 0\.5 /],
    [['--gap', '86401'], /^--gap must be a number from 0 to 86400, not 86401 /],
    [['--seed=-1'], /^--seed takes numbers, not -1 /],
    [['--recall', '1.5'], /^--recall must be a number from 0 to 1, not 1\.5 /],
    [['--workers', '65'], /^--workers takes a number from 1 to 64 /],
    [
      ['--max-keep', Array.from({ length: 701 }, (_, place) => 20_000 + place).join(',')],
      /^--max-keep and the others make 2106 settings, 2000 at most/,
    ],
  ])('refuses %j in one line', async (args, line) => {
    const { code, stdout, stderr } = await simulate('--transcript', 'talk.jsonl', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const [first = '', ...rest] = stderr.split('\n');
    expect(rest).toEqual(['']);
    expect(first.replace('kimi-emulator simulate: ', '')).toMatch(line);
  });

  itInTurn('refuses a file that holds no transcript in one line', async () => {
    writeFileSync(join(FOLDER, 'diary.json'), 'Dear diary');
    const { code, stdout, stderr } = await simulate('--transcript', 'diary.json');
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'kimi-emulator simulate: diary.json: is neither JSON nor JSONL\n',
    });
  });

  itInTurn('is listed by the help of the command', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, '--help']);
    expect(stdout).toMatch(/^ {2}simulate +what a policy would cost/m);
    const { stdout: help, code } = await simulate('--help');
    expect(code).toBe(0);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  itInTurn('ends at an interrupt with what is done so far', async () => {
    const marker = join(FOLDER, 'marker');
    // Holds its thread for an hour: only its end can end it.
    const module = `import { writeFileSync } from 'node:fs';
      export default () => { writeFileSync(${JSON.stringify(marker)}, ''); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_600_000); return []; };\n`;
    writeFileSync(join(FOLDER, 'stuck.mjs'), module);
    const args = [
      MAIN,
      'simulate',
      '--tokenizer',
      'o200k_base',
      ...SWEEP,
      '--policies',
      'truncate,./stuck.mjs',
      '--workers',
      '1',
    ];
    const started = performance.now();
    const child = spawn(process.execPath, args, { cwd: FOLDER, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += String(chunk)));
    const exited = once(child, 'exit');
    await expect.poll(() => existsSync(marker)).toBe(true);
    const interrupted = performance.now();
    child.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    // Beside what it took to come this far, on the same machine in the same minute.
    expect(performance.now() - interrupted).toBeLessThan((interrupted - started) / 2);
    expect(stdout).toMatch(/^Ended early/);
    expect(stdout).toContain('  stateless ');
    expect(stdout).not.toContain('stuck.mjs 12K');
  });
});

describe('what a transcript says stays text', () => {
  const EVIL = 'a\u001b[31m\u202e<img src=x onerror=alert(1)>|`.jsonl';
  const path = join(FOLDER, 'evil', EVIL);
  beforeAll(() => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, asLines(talk(4)));
  });

  it.each([[[]], [['--json']], [['--markdown']]])('in the terminal, with %j', async (flags) => {
    writeFileSync(join(FOLDER, 'evil', 'b\u0007.json'), 'Dear diary');
    const { stdout, stderr } = await simulate('--transcript', 'evil', '--policies', 'truncate', ...flags);
    for (const text of [stdout, stderr]) expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(stderr).toBe('kimi-emulator simulate: evil/b\\u{07}.json: is neither JSON nor JSONL\n');
    expect(stdout).toContain('onerror=alert(1)');
    if (flags.length > 0 && flags[0] === '--markdown') expect(stdout).toContain('&#60;img');
  });

  itInTurn('on the page, which is one file that asks for nothing', async () => {
    const { code } = await simulate('--transcript', 'evil', '--policies', 'truncate,compress', '--html', 'page.html');
    expect(code).toBe(0);
    const page = readFileSync(resolve(FOLDER, 'page.html'), 'utf8');
    expect(page).toContain('a\\u{1b}[31m\\u{202e}&lt;img src=x onerror=alert(1)&gt;|`.jsonl');
    expect(page).not.toMatch(/<img|<script|<link|\ssrc=(?!x onerror)|\shref=|url\(|@import|\son\w+="/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect([...page.matchAll(/<svg [^>]*aria-label="([^"]+)"/g)].map(([, label]) => label)).toEqual([
      'Recall against cost: facts in the window, % against cost, USD',
      'Tokens in the window: tokens against request',
      'Cost so far: USD against request',
      'Facts that still stand: % of those said against request',
    ]);
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).toContain('a small language model 73 %');
  });

  it.each<[string, string]>([
    ['nowhere/page.html', 'ENOENT'],
    ['evil', 'it is a folder'],
    ['', 'no name'],
  ])('and a page that cannot be written to %j is one line, before anything is replayed', async (path, reason) => {
    const { code, stdout, stderr } = await simulate('--transcript', 'talk.jsonl', '--policies', 'none', '--html', path);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: `kimi-emulator simulate: --html ${path || '""'}: cannot be written (${reason})\n`,
    });
  });
});

it('a server that nobody asks to simulate loads nothing of it', () => {
  const seen = new Set<string>();
  // The command begins by loading what runs it; all that one command needs alone it loads later.
  const loaded = [...readFileSync(MAIN, 'utf8').matchAll(/\bimport\("([^"]+)"\)/g)].map(([, path = '']) => path);
  const waiting = [MAIN, ...loaded.map((path) => resolve(dirname(MAIN), path)), join(ROOT, 'dist/emulator/index.js')];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const statics = readFileSync(file, 'utf8').matchAll(/^\s*(?:import|export)\b[^;]*?["'](\.[^"']+)["'];/gm);
    for (const [, path = ''] of statics) waiting.push(resolve(dirname(file), path));
  }
  expect(loaded).toHaveLength(1);
  expect([...seen].filter((file) => /\/(?:command|server)-/.test(file))).toHaveLength(2);
  expect([...seen].filter((file) => readFileSync(file, 'utf8').includes('prefillTokensPerSecond'))).toEqual([]);
});
