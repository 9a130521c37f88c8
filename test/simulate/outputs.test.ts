import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSimulateCommand } from '../../emulator/cli/simulate.ts';
import { type Row, type SimulateOptions, type Simulation, simulate } from '../../emulator/simulate/index.ts';
import { scenarios } from '../../emulator/simulate/scenarios.ts';
import { inTurn } from '../support/in-turn.ts';
import { asLines, talk } from './talk.ts';
import { sized } from './through-server.ts';

const itInTurn = inTurn(3);

const MAIN = fileURLToPath(new URL('../../dist/emulator/cli/main.js', import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), 'simulated-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const TALK = talk(50);
const SWEEP = { transcripts: [{ name: 'talk', messages: TALK }], tokenizer: 'o200k_base' };

const FLAGS = ['--max-keep', '12000,20000,30000', '--preserve-len', '5000'];

async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const all = [MAIN, 'simulate', '--tokenizer', 'o200k_base', '--workers', '1', '--transcript', 'talk.jsonl', ...args];
  return promisify(execFile)(process.execPath, all, { cwd: FOLDER, maxBuffer: 2 ** 27 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (failed) => failed,
  );
}

/** The command in this process, where its outputs are terminals or not. */
async function onTerminal(isTerminal: { stdout?: boolean; stderr?: boolean }, policies = 'truncate') {
  const said = { stdout: '', stderr: '' };
  const output = (name: keyof typeof said) => ({
    write: (text: string) => (said[name] += text),
    isTTY: isTerminal[name] ?? false,
    columns: 120,
  });
  const io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: {},
    on: () => undefined,
    off: () => undefined,
    exit: () => expect.fail('exited'),
  };
  const transcript = ['--transcript', join(FOLDER, 'talk.jsonl')];
  const args = ['--tokenizer', 'o200k_base', ...transcript, '--policies', policies, ...FLAGS];
  expect(await runSimulateCommand(args, io as unknown as Parameters<typeof runSimulateCommand>[1])).toBe(0);
  return said;
}

beforeAll(() => writeFileSync(join(FOLDER, 'talk.jsonl'), asLines(TALK)));

describe('settings of several models, days and times to live', () => {
  const options = {
    ...SWEEP,
    policies: ['truncate'] as const,
    maxKeep: [20_000],
    preserveLen: [5_000],
    models: ['kimi-k3', 'kimi-k2.6'],
    dates: ['2026-09-01', '2026-10-24'],
    ttl: ['5m', '1h'] as const,
  };

  it('are told apart by their names, in what is recommended too', async () => {
    const { rows, recommendation } = await simulate(options);
    expect(rows).toHaveLength(3 * 8);
    expect(new Set(rows.map(({ text }) => text)).size).toBe(rows.length);
    expect(rows.map(({ text }) => text).filter((text) => text.startsWith('truncate'))).toEqual([
      'truncate at 20,000, keep 5,000 (kimi-k3, prices of 2026-09-01, cached for 5 minutes)',
      'truncate at 20,000, keep 5,000 (kimi-k3, prices of 2026-09-01, cached for 5 minutes, as an hour has no price)',
      'truncate at 20,000, keep 5,000 (kimi-k3, prices of 2026-10-24, cached for 5 minutes)',
      'truncate at 20,000, keep 5,000 (kimi-k3, prices of 2026-10-24, cached for an hour)',
      'truncate at 20,000, keep 5,000 (kimi-k2.6, prices of 2026-09-01, cached for 5 minutes)',
      'truncate at 20,000, keep 5,000 (kimi-k2.6, prices of 2026-09-01, cached for 5 minutes, as an hour has no price)',
      'truncate at 20,000, keep 5,000 (kimi-k2.6, prices of 2026-10-24, cached for 5 minutes)',
      'truncate at 20,000, keep 5,000 (kimi-k2.6, prices of 2026-10-24, cached for 5 minutes, as an hour has no price)',
    ]);
    const row = rows[recommendation?.row ?? -1];
    expect(recommendation?.text.startsWith(`${row?.text}: `)).toBe(true);
    // Nobody chooses the day: it is that of the newest prices.
    expect(row?.setting).toMatchObject({ model: 'kimi-k2.6', date: '2026-10-24' });
    const front = rows.filter(({ onFront }) => onFront).map(({ setting }) => setting.date);
    expect([...new Set(front)].sort()).toEqual(['2026-09-01', '2026-10-24']);
  });

  itInTurn(
    'have a table for each, and stand with their full names in the lists of text, Markdown and page',
    async () => {
      const flags = [
        '--policies',
        'truncate',
        '--max-keep',
        '20000',
        '--preserve-len',
        '5000',
        '--model',
        'kimi-k3,kimi-k2.6',
      ];
      const { stdout, stderr, code } = await command(
        ...flags,
        '--ttl',
        '1h',
        '--html',
        'models.html',
        '--assert',
        'cost<0.01USD',
      );
      const name = 'truncate at 20,000, keep 5,000 (kimi-k3)';
      expect(code).toBe(1);
      expect(stderr).toContain(`cost<0.01USD fails for 2 of 2 settings; the worst: ${name}: `);
      expect(stdout).toContain('\nkimi-k3, prices of 2026-10-24, cached for an hour\n');
      expect(stdout).toContain('\nkimi-k2.6, prices of 2026-10-24, cached for 5 minutes, as an hour has no price\n');
      expect(stdout.replace(/\s+/g, ' ')).toContain('* no other setting in any table is cheaper and knows as much');
      expect(stdout).toMatch(/^Recommended: .* \(kimi-k/m);
      const page = readFileSync(join(FOLDER, 'models.html'), 'utf8');
      expect(page).toContain('<h2>kimi-k2.6, prices of 2026-10-24, cached for 5 minutes, as an hour has no price</h2>');
      const legend = page.match(/<div class="key">.*?<\/div>/g)?.[1] ?? '';
      expect(legend).toMatch(/\(kimi-k2\.6\)<\/span>/);
      expect(legend).not.toMatch(/(?<!\))<\/span>/);
      expect(page).toMatch(/<title>truncate at 20,000, keep 5,000 \(kimi-k3\): \d/);
      const { stdout: markdown } = await command(...flags, '--markdown');
      expect(markdown).toMatch(/^\*\*Recommended:\*\* .* \(kimi-k/m);
    },
  );
});

describe('the figures of a setting', () => {
  const flags = ['--policies', 'truncate,compress', ...FLAGS];
  const share = (value: number | null, digits: number) => `${(100 * (value ?? 0)).toFixed(digits).replace('-', '−')} %`;
  const saved = ({ savings }: Row, baseline: string) =>
    share(savings.find((one) => one.baseline === baseline)?.share ?? 0, 1);
  const figuresOf = (row: Row) => [
    row.cost.toFixed(4),
    saved(row, 'stateless+cache'),
    saved(row, 'stateless'),
    share(row.recall.planted.mean, 0),
    share(row.recall.natural.mean, 0),
  ];
  let rows: readonly Row[] = [];
  let series: Simulation['runs'] = [];

  beforeAll(async () => {
    const found = JSON.parse((await command(...flags, '--json')).stdout) as Simulation;
    rows = found.rows;
    series = found.runs;
  });

  itInTurn('stand in the text, with how full the window was where there is room', async () => {
    const { stdout } = await onTerminal({ stdout: true }, 'truncate,compress');
    const lines = stdout.split('\n').filter((line) => /^[*! ] \S.* \d+\.\d{4} /.test(line));
    expect(lines).toHaveLength(rows.length);
    for (const [place, line] of lines.entries()) {
      const row = rows[place];
      expect(line.startsWith(row?.onFront ? '* ' : '  ')).toBe(true);
      expect(row && figuresOf(row)).toEqual(line.match(/−?\d+\.\d{4}|−?[\d.]+ %/g));
      const spark = [...(line.match(/[▁▂▃▄▅▆▇█]+$/)?.[0] ?? '')].map((block) => '▁▂▃▄▅▆▇█'.indexOf(block));
      const window =
        series.find(({ setting }) => JSON.stringify(setting) === JSON.stringify(row?.setting))?.series.window ?? [];
      const parts = spark.map((_, part) =>
        Math.max(
          ...window.slice(
            Math.floor((part * window.length) / spark.length),
            Math.floor(((part + 1) * window.length) / spark.length),
          ),
        ),
      );
      expect(spark).toHaveLength(16);
      expect(spark).toEqual(parts.map((tokens) => Math.min(7, Math.floor((8 * tokens) / Math.max(...window)))));
    }
    // The curve has a mark for each cost and recall, those of the front as stars.
    const curve = stdout.slice(stdout.indexOf('Recall against cost'), stdout.indexOf('└'));
    const drawn = rows.filter(({ setting }) => setting.policy !== 'stateless');
    const front = drawn.filter(({ onFront }) => onFront).length;
    expect(curve.match(/\*/g)?.length ?? 0).toBeLessThanOrEqual(front);
    expect(curve.match(/\*/g)?.length ?? 0).toBeGreaterThan(1);
    expect(curve).toMatch(/^ 100 % │.*\*/m);
  });

  itInTurn('stand in the Markdown', async () => {
    const { stdout } = await command(...flags, '--markdown');
    const lines = stdout.split('\n').filter((line) => /^\| \S.*\| +\d+\.\d{4} \|/.test(line));
    expect(lines).toHaveLength(rows.length);
    for (const [place, line] of lines.entries()) {
      const row = rows[place];
      const cells = line.split('|').map((cell) => cell.trim());
      expect(cells[1]).toBe(`${row?.onFront ? '★ ' : ''}${row?.text}`);
      expect(row && [...figuresOf(row), row.seconds.toFixed(0)]).toEqual(cells.slice(2, 8));
    }
  });

  itInTurn('stand on the page: in its table, its points and its lines', async () => {
    await command(...flags, '--html', 'figures.html');
    const page = readFileSync(join(FOLDER, 'figures.html'), 'utf8');
    const lines = [...page.matchAll(/<tr(?: class="best")?><td.*?<\/tr>/g)].map(([line]) =>
      [...line.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell]) => cell),
    );
    expect(lines).toHaveLength(rows.length);
    for (const [place, cells] of lines.entries()) {
      const row = rows[place];
      expect(cells[0]).toBe(`${row?.onFront ? '★ ' : ''}${row?.text}`);
      expect(row && figuresOf(row)).toEqual(cells.slice(1, 6));
      expect(cells[7]).toBe(String(row?.shrinks));
      if (!row || row.setting.policy === 'stateless') continue;
      expect(page).toContain(`<title>${row.text}: ${row.cost.toFixed(4)} USD, ${share(row.leastRecall, 0)}</title>`);
    }
    const [best] = [...page.matchAll(/<tr class="best"><td[^>]*>(?:★ )?(.*?)<\/td>/g)].map(([, name]) => name);
    expect(page).toContain(`<strong>Recommended:</strong> ${best}: `);
    // The baseline with cache is drawn first, and costs most at its last request: that is where its line ends, at the highest.
    const charts = page.split('<figure>').slice(2);
    const ends = charts.map((chart) =>
      [...chart.matchAll(/<polyline points="([^"]+)"/g)].map(([, points = '']) =>
        points.split(' ').at(-1)?.split(',').map(Number),
      ),
    );
    for (const lineEnds of ends) {
      expect(lineEnds.length).toBeGreaterThan(2);
      expect(new Set(lineEnds.map((end) => end?.[0])).size).toBe(1);
      const heights = lineEnds.map((end) => end?.[1] ?? 0);
      expect(heights[0]).toBe(Math.min(...heights));
      expect(heights[0]).toBeLessThan(Math.max(...heights));
    }
  });
});

itInTurn('sizes that exclude each other are told, and the others are swept', async () => {
  const { rows, leftOut } = await simulate({
    ...SWEEP,
    policies: ['truncate'],
    maxKeep: [9_000, 30_000],
    preserveLen: [5_000, 12_000],
  });
  expect(rows.filter(({ asked }) => asked).map(({ text }) => text)).toEqual([
    'truncate at 9,000, keep 5,000',
    'truncate at 30,000, keep 5,000',
    'truncate at 30,000, keep 12,000',
  ]);
  const line = 'at 9,000, keep 12,000 is left out: a cut has to leave less than what triggers it';
  expect(leftOut).toEqual([line]);
  const flags = [
    '--policies',
    'truncate',
    '--max-keep',
    '9000,30000',
    '--preserve-len',
    '5000,12000',
    '--html',
    'left.html',
  ];
  const { stdout } = await command(...flags);
  expect(stdout.replace(/\s+/g, ' ')).toContain(line);
  expect(readFileSync(join(FOLDER, 'left.html'), 'utf8')).toContain(line);
});

itInTurn('an assertion is about every policy that is named, and by default about those that shrink', async () => {
  const stateless = await command('--policies', 'stateless,truncate', ...FLAGS, '--assert', 'cost<1.5USD');
  expect(stateless.stderr).toMatch(/cost<1\.5USD fails for 1 of 4 settings; the worst: stateless: \d/);
  const byDefault = await command(...FLAGS, '--assert', 'cost<1.5USD');
  expect(byDefault).toMatchObject({ code: 0, stderr: '' });
});

itInTurn('a seed chooses what is planted and asked for, and --recall what is recommended', async () => {
  const json = async (...flags: string[]) =>
    JSON.parse((await command('--policies', 'truncate', ...FLAGS, '--json', ...flags)).stdout) as Simulation;
  const [one, same, other] = [await json('--seed', '1'), await json(), await json('--seed', '2')];
  expect(same).toEqual(one);
  expect([one.seed, other.seed]).toEqual([1, 2]);
  expect(other.runs.map(({ series }) => series.known)).not.toEqual(one.runs.map(({ series }) => series.known));
  const [low, high] = [await json('--recall', '0.1'), await json('--recall', '0.99')];
  expect(low.rows).toEqual(high.rows);
  expect(low.recommendation?.row).not.toBe(high.recommendation?.row);
  expect(low.recommendation?.text).toContain(' 10 % ');
  expect(high.recommendation?.text).toContain(' 99 % ');
});

it('a seed chooses what is planted, and what of the transcript is asked for, each by itself', async () => {
  const sweep = async (options: SimulateOptions) => {
    const { runs } = await simulate({
      ...SWEEP,
      policies: ['truncate'],
      maxKeep: [12_000],
      preserveLen: [5_000],
      ...options,
    });
    return runs.map(({ series }) => series);
  };
  const texts = [await sweep({ natural: 0, seed: 1 }), await sweep({ natural: 0, seed: 2 })];
  expect(texts[0]?.map(({ prompt }) => prompt)).not.toEqual(texts[1]?.map(({ prompt }) => prompt));
  const asked = [await sweep({ plant: 0, natural: 10, seed: 1 }), await sweep({ plant: 0, natural: 10, seed: 2 })];
  expect(asked[0]?.map(({ prompt }) => prompt)).toEqual(asked[1]?.map(({ prompt }) => prompt));
  expect(asked[0]?.map(({ said }) => said.natural)).not.toEqual(asked[1]?.map(({ said }) => said.natural));
});

itInTurn('what had to be changed of each transcript is told on every output, also of two with one name', async () => {
  const orphan = { role: 'tool', content: 'from before', tool_call_id: 'gone' };
  const files = {
    'a/odd.jsonl': [orphan, ...TALK.slice(0, 4)],
    'b/odd.jsonl': [{ role: 'user', content: '' }, ...TALK.slice(0, 4)],
  };
  for (const [name, messages] of Object.entries(files)) {
    mkdirSync(join(FOLDER, name, '..'), { recursive: true });
    writeFileSync(join(FOLDER, name), messages.map((message) => JSON.stringify(message)).join('\n'));
  }
  const notes = ['1 result of a tool without its call left out', '1 message without text left out'];
  const flags = ['--transcript', 'a/odd.jsonl', '--transcript', 'b/odd.jsonl', '--policies', 'none'];
  const [text, json, markdown] = [
    await command(...flags, '--html', 'notes.html'),
    await command(...flags, '--json'),
    await command(...flags, '--markdown'),
  ];
  const found = (JSON.parse(json.stdout) as Simulation).transcripts.map((one) => [one.name, ...one.notes]);
  expect(found).toEqual([['talk.jsonl'], ['a/odd.jsonl', notes[0]], ['b/odd.jsonl', notes[1]]]);
  expect(text.stdout).toMatch(
    /^ {2}a\/odd\.jsonl: .*\n {4}1 result of a tool without its call left out\n {2}b\/odd\.jsonl: .*\n {4}1 message without text left out$/m,
  );
  for (const [place, name] of ['a', 'b'].entries()) {
    expect(markdown.stdout).toMatch(new RegExp(`^\\| ${name}/odd\\.jsonl \\|.*\\| ${notes[place]} +\\|$`, 'm'));
    expect(readFileSync(join(FOLDER, 'notes.html'), 'utf8')).toMatch(
      new RegExp(`<li>${name}/odd\\.jsonl:[^<]*; ${notes[place]}</li>`),
    );
  }
});

it('two transcripts of one name are told apart in code, too', async () => {
  const short = sized([[0, 100, 100]]);
  const transcripts = [short, { ...short, messages: [{ role: 'user' as const, content: '' }, ...short.messages] }];
  const found = await simulate({ transcripts, policies: ['none'], tokenizer: 'o200k_base' });
  expect(found.transcripts.map(({ name, notes }) => [name, ...notes])).toEqual([
    ['sized'],
    ['sized (2)', '1 message without text left out'],
  ]);
});

describe('a bar', () => {
  it('fills on a terminal run by run, and is gone before the result', async () => {
    const { stderr } = await onTerminal({ stderr: true });
    // The two baselines have the same windows, and are one run.
    const counts = [...stderr.matchAll(/\r([█░]{24}) (\d+) of (\d+) runs/g)].map(([, bar, done, all]) => [
      bar,
      done,
      all,
    ]);
    expect(counts.map(([, done, all]) => `${done}/${all}`)).toEqual(['0/4', '1/4', '2/4', '3/4', '4/4']);
    expect(counts.map(([bar]) => [...(bar ?? '')].filter((part) => part === '█').length)).toEqual([0, 6, 12, 18, 24]);
    expect(stderr.endsWith('\r\u001b[K')).toBe(true);
  });

  it('is not written where nobody sees it', async () => {
    expect((await onTerminal({ stderr: false })).stderr).toBe('');
  });
});

itInTurn('each claim is what its two sides come to, simulated by themselves', async () => {
  const found = await scenarios(1);
  const { claims } = await simulate({ policies: ['none'], plant: 0, natural: 0, tokenizer: 'o200k_base' });
  type Named = 'none' | 'stateless' | 'stateless+cache' | 'truncate';
  const run = async (
    transcripts: NonNullable<SimulateOptions['transcripts']>,
    windowTokens: number,
    policies: Named[],
    [maxKeep, preserveLen] = [180_000, 8_000],
  ) => {
    const sizes = { maxKeep: [maxKeep], preserveLen: [preserveLen] };
    const plain = { plant: 0, natural: 0, tokenizer: 'o200k_base' };
    const { rows } = await simulate({ transcripts, policies, windowTokens, ...sizes, ...plain });
    return policies.map((policy) => {
      const row = rows.find(({ setting }) => setting.policy === policy);
      if (!row) throw new Error(`no row of ${policy}`);
      expect(row.ended).toEqual([]);
      return row;
    }) as [Row, Row, Row];
  };
  const [large, small] = [262_144, 32_768];
  const [once] = await run([found.reviewAtOnce], large, ['none']);
  // All calls are one row: what they cost and take together.
  const [calls] = await run(found.reviewInCalls, small, ['stateless']);
  const [own, uncached, cached] = await run([found.dialogue], large, ['truncate', 'stateless', 'stateless+cache']);
  const [read] = await run([found.logs], large, ['truncate']);
  const [cut] = await run([found.logs], small, ['truncate'], [20_000, 8_000]);
  const change = (of: 'cost' | 'seconds', mine: readonly Row[], other: readonly Row[]) => {
    const sum = (rows: readonly Row[]) => rows.reduce((total, row) => total + row[of], 0);
    return expect.closeTo(sum(mine) / sum(other) - 1, 9);
  };
  const mine = [once, own, read];
  expect(calls.rounds).toBeGreaterThan(5);
  expect(claims.map(({ simulated }) => simulated)).toEqual([
    change('seconds', [once], [calls]),
    change('cost', [once], [calls]),
    change('cost', [own], [uncached]),
    change('cost', [own], [cached]),
    expect.closeTo((read.recall.natural.end ?? 0) - (cut.recall.natural.end ?? 0), 9),
    change('cost', [read], [cut]),
    change('cost', mine, [calls, uncached, cut]),
    change('cost', mine, [calls, cached, cut]),
    change('seconds', mine, [calls, uncached, cut]),
    change('seconds', mine, [calls, cached, cut]),
  ]);
  // A window that holds the whole log has every error in it; one of 32K has lost some.
  expect(read.recall.natural.end).toBe(1);
  expect(cut.recall.natural.end).toBeLessThan(0.5);
  for (const { conditions } of claims) expect(conditions).toBe('kimi-k3, prices of 2026-10-24, cached for 5 minutes');
});
