import { plain, table } from '../terminal/formats.ts';
import { columns, oneLine, plural, wrap } from '../terminal/text.ts';
import type { Claim, Row, Saving, Simulation } from './result.ts';
import { conditionsText, DEFAULT_RATIO, settingText } from './settings.ts';

export function percent(share: number | null, digits = 0): string {
  return share === null ? '–' : `${signed((100 * share).toFixed(digits))} %`;
}

/** A minus sign as typography has it; no sign for 0. */
function signed(text: string): string {
  return text.replace(/^-(?=0(?:\.0+)?$)/, '').replace('-', '−');
}

export function money(cost: number): string {
  return cost.toFixed(4);
}

export function grouped(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** 180,000 as 180K where nothing is lost by it. */
function short(count: number): string {
  return count % 1_000 === 0 ? `${count / 1_000}K` : String(count);
}

/** `compress 40K/8K 8:1`: policy, trigger, what a cut leaves, and a ratio that is not the usual one. */
function shortName({ setting }: Pick<Row, 'setting'>): string {
  const { policy, maxKeep, preserveLen, ratio } = setting;
  const sizes = maxKeep === undefined ? '' : ` ${short(maxKeep)}/${short(preserveLen ?? 0)}`;
  return oneLine(policy + sizes + (ratio === undefined || ratio === DEFAULT_RATIO ? '' : ` ${ratio}:1`));
}

/** Settings of one model, day and time to live stand in one table. */
export function groupsOf(rows: readonly Row[]): { title: string; rows: Row[] }[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const { windowTokens } = row.setting;
    const window = windowTokens === undefined ? '' : `, window of ${grouped(windowTokens)}`;
    const title = conditionsText(row.setting) + window;
    groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  return [...groups].map(([title, some]) => ({ title, rows: some }));
}

/** What the mark of the front says: it goes through all tables, but not through days, which nobody chooses. */
export function frontText(rows: readonly Row[]): string {
  const days = new Set(rows.map(({ setting }) => setting.date)).size;
  const among = days > 1 ? ' at the prices of its day' : groupsOf(rows).length > 1 ? ' in any table' : '';
  return `no other setting${among} is cheaper and knows as much`;
}

/** What the claims were simulated on. */
export function claimsInput({ claims, input }: Simulation): string {
  return `${input ?? ''}; ${claims[0]?.conditions ?? ''}`;
}

export function savedAgainst(row: Row, baseline: Saving['baseline']): number | null {
  return row.savings.find((saving) => saving.baseline === baseline)?.share ?? null;
}

export function claimFigure({ measure, simulated }: Claim): string {
  const text = measure === 'accuracy' ? `${signed((100 * simulated).toFixed(0))} points` : percent(simulated, 1);
  return simulated > 0 ? `+${text}` : text;
}

const SPARKS = '▁▂▃▄▅▆▇█';

/** The tokens of the window over all rounds of a setting, as a line of blocks. */
function sparkline(values: readonly number[], width: number): string {
  if (values.length === 0) return '';
  const most = Math.max(...values, 1);
  return Array.from({ length: Math.min(width, values.length) }, (_, place) => {
    const from = Math.floor((place * values.length) / Math.min(width, values.length));
    const to = Math.floor(((place + 1) * values.length) / Math.min(width, values.length));
    const highest = Math.max(...values.slice(from, Math.max(to, from + 1)));
    return SPARKS[Math.min(SPARKS.length - 1, Math.floor((highest / most) * SPARKS.length))];
  }).join('');
}

function windowsOf({ runs }: Simulation, { setting }: Row): number[] {
  const key = JSON.stringify(setting);
  return runs.filter((run) => JSON.stringify(run.setting) === key).flatMap(({ series }) => series.window);
}

const SPARK_WIDTH = 16;
const LEAST_WIDTH = 60;

/** The whole result for a terminal. */
export function renderTerminal(simulation: Simulation, width = 80): string {
  const most = Math.max(LEAST_WIDTH, width);
  const lines: string[] = [];
  if (!simulation.complete) lines.push('Ended early: what follows is what was done until then.', '');
  if (simulation.claims.length > 0) lines.push(...claimLines(simulation, most), '');
  lines.push(...transcriptLines(simulation, most));
  for (const { title, rows } of groupsOf(simulation.rows)) lines.push('', ...tableLines(simulation, title, rows, most));
  const ended = simulation.rows.flatMap((row) => row.ended.map((reason) => `${oneLine(row.text)}: ${oneLine(reason)}`));
  if (ended.length > 0) lines.push('', 'Not finished', ...indented([...new Set(ended)], most));
  if (simulation.rows.some(({ onFront }) => onFront)) lines.push('', ...curveLines(simulation.rows, most));
  const { recommendation } = simulation;
  if (recommendation) lines.push('', ...wrap(`Recommended: ${oneLine(recommendation.text)}.`, most));
  lines.push('', ...notesOf(simulation).flatMap((note) => wrap(note, most)), '');
  return lines.join('\n');
}

/** What has to be known to read the figures; said on every output. */
export function notesOf({ recallNote, latency, tokenizer, currency, leftOut }: Simulation): string[] {
  const counted = tokenizer.exact ? '' : ' (an estimate of Kimi’s own: kimi-emulator tokenizer --install)';
  return [
    ...leftOut,
    recallNote,
    `Latency is a model and not measured: ${grouped(latency.prefillTokensPerSecond)} tokens a second are read where they are not cached, ${latency.decodeTokensPerSecond} are written (${latency.source}).`,
    `Money is in ${currency}. A saving is shown against both baselines, over the rounds that the baseline could make too. Tokens are counted with ${tokenizer.name}${counted}.`,
  ];
}

function claimLines(simulation: Simulation, width: number): string[] {
  const { claims } = simulation;
  const heads = ['scenario', 'measure', 'claimed', 'simulated'];
  const cells = claims.map((claim) => [claim.scenario, claim.measure, claim.claimed, claimFigure(claim)]);
  const lines = aligned([heads, ...cells], [false, false, true, true]);
  const [head = '', ...rest] = lines;
  const body = rest.flatMap((line, place) => {
    const claim = claims[place];
    const text = claim ? `${claim.own}: ${claim.figures}; baseline: ${claim.baseline}` : '';
    return [`  ${line}`, ...indented([text], width, 6)];
  });
  return [
    'The article’s claims',
    ...indented([`on ${oneLine(claimsInput(simulation))}`], width),
    '',
    `  ${head}`,
    ...body,
  ];
}

function transcriptLines({ transcripts }: Simulation, width: number): string[] {
  const lines = transcripts.flatMap(({ name, rounds, messages, planted, natural, notes }) => {
    const facts = `${plural(planted, 'fact')} planted, ${natural} of its own`;
    const about = `${oneLine(name)}: ${plural(rounds, 'request')}, ${plural(messages, 'message')}, ${facts}`;
    return [...indented([about], width), ...indented(notes.map(oneLine), width, 4)];
  });
  return [transcripts.length === 1 ? 'Transcript' : 'Transcripts', ...lines];
}

function tableLines(simulation: Simulation, title: string, rows: readonly Row[], width: number): string[] {
  const heads = ['  setting', 'cost', 'cached', 'uncached', 'planted', 'natural'];
  const cells = rows.map((row) => [
    `${row.onFront ? '*' : row.ended.length > 0 ? '!' : ' '} ${shortName(row)}`,
    money(row.cost),
    percent(savedAgainst(row, 'stateless+cache'), 1),
    percent(savedAgainst(row, 'stateless'), 1),
    percent(row.recall.planted.mean),
    percent(row.recall.natural.mean),
  ]);
  const [head = '', ...body] = aligned([heads, ...cells], [false, true, true, true, true, true]);
  const sparks = width >= head.length + SPARK_WIDTH + 4;
  return [
    title,
    ...indented(
      [
        'cost in USD · saved against stateless with cache (cached) and without (uncached) · recall of planted and natural facts, all rounds together',
      ],
      width,
    ),
    `${head}${sparks ? '  window' : ''}`.trimEnd(),
    ...body.map((line, place) => {
      const row = rows[place];
      return `${line}${sparks && row ? `  ${sparkline(windowsOf(simulation, row), SPARK_WIDTH)}` : ''}`.trimEnd();
    }),
    ...indented([`! could not finish   * ${frontText(simulation.rows)}`], width),
  ];
}

const CURVE_HEIGHT = 10;
const CURVE_MARGIN = 8;

/** Cost from left to right, recall from bottom to top. */
function curveLines(all: readonly Row[], width: number): string[] {
  const rows = all.filter(
    ({ leastRecall, ended, setting }) => leastRecall !== null && ended.length === 0 && setting.policy !== 'stateless',
  );
  const costs = rows.map(({ cost }) => cost);
  const [least, most] = [Math.min(...costs), Math.max(...costs)];
  const inner = Math.min(width, 100) - CURVE_MARGIN - 1;
  const grid = Array.from({ length: CURVE_HEIGHT + 1 }, () => Array.from({ length: inner }, () => ' '));
  for (const { cost, leastRecall, onFront } of rows.toSorted((a, b) => Number(a.onFront) - Number(b.onFront))) {
    const x = most === least ? 0 : Math.round(((cost - least) / (most - least)) * (inner - 1));
    const line = grid[CURVE_HEIGHT - Math.round((leastRecall ?? 0) * CURVE_HEIGHT)];
    if (line) line[x] = onFront ? '*' : '·';
  }
  const labels = grid.map((_, place) => (place % 5 === 0 ? `${100 - place * 10} %` : ''));
  const [left, right] = [`${money(least)} USD`, `${money(most)} USD`];
  return [
    'Recall against cost',
    ...indented(['the lower of planted and natural facts; stateless without cache is left out'], width),
    ...grid.map((line, place) => `${(labels[place] ?? '').padStart(CURVE_MARGIN - 2)} │${line.join('')}`.trimEnd()),
    `${' '.repeat(CURVE_MARGIN - 1)}└${'─'.repeat(inner)}`,
    `${' '.repeat(CURVE_MARGIN)}${left}${right.padStart(inner - left.length)}`,
  ];
}

/** Rows of cells, each column as wide as it has to be. */
function aligned(rows: readonly (readonly string[])[], right: readonly boolean[]): string[] {
  const widths = right.map((_, column) => Math.max(...rows.map((row) => columns(row[column] ?? ''))));
  const gap = (cell: string, column: number) => ' '.repeat((widths[column] ?? 0) - columns(cell));
  return rows.map((row) =>
    row.map((cell, column) => (right[column] ? gap(cell, column) + cell : cell + gap(cell, column))).join('  '),
  );
}

function indented(texts: readonly string[], width: number, by = 2): string[] {
  return texts.flatMap((text) => wrap(text, width - by).map((line) => ' '.repeat(by) + line));
}

/** The same in Markdown. */
export function renderMarkdown(simulation: Simulation): string {
  const { claims, transcripts, rows, recommendation, complete } = simulation;
  const parts: string[] = ['# What each policy costs, and what its window still knows'];
  if (!complete) parts.push('**Ended early**: what follows is what was done until then.');
  if (claims.length > 0) {
    const cells = claims.map((claim) => [
      claim.scenario,
      claim.measure,
      claim.claimed,
      claimFigure(claim),
      claim.figures,
      claim.own,
      claim.baseline,
    ]);
    parts.push(
      '## The article’s claims',
      `On ${plain(claimsInput(simulation))}.`,
      toTable(
        ['scenario', 'measure', 'claimed', 'simulated', 'baseline → simulated', 'simulated was', 'baseline'],
        cells,
      ),
    );
  }
  const histories = transcripts.map((one) => [
    one.name,
    grouped(one.rounds),
    String(one.planted),
    String(one.natural),
    one.notes.join('; '),
  ]);
  parts.push(
    '## Transcripts',
    toTable(['transcript', 'requests', 'facts planted', 'of its own', 'changed'], histories),
  );
  for (const group of groupsOf(rows)) {
    const cells = group.rows.map((row) => [
      (row.onFront ? '★ ' : '') + settingText(row.setting),
      money(row.cost),
      percent(savedAgainst(row, 'stateless+cache'), 1),
      percent(savedAgainst(row, 'stateless'), 1),
      percent(row.recall.planted.mean),
      percent(row.recall.natural.mean),
      row.seconds.toFixed(0),
      row.ended.join('; '),
    ]);
    const heads = [
      'setting',
      'cost, USD',
      'saved against stateless with cache',
      'saved against stateless without cache',
      'planted facts',
      'natural facts',
      'latency, s',
      'not finished',
    ];
    parts.push(`## ${plain(group.title)}`, toTable(heads, cells, [1, 2, 3, 4, 5, 6]), `★ ${frontText(rows)}.`);
  }
  if (recommendation) parts.push(`**Recommended:** ${plain(recommendation.text)}.`);
  return `${[...parts, ...notesOf(simulation).map(plain)].join('\n\n')}\n`;
}

/** The first column and texts to the left, figures to the right. */
function toTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  figures: readonly number[] = [],
): string {
  const align = heads.map((_, column) => (figures.includes(column) ? 'right' : 'left'));
  return table(
    heads,
    align,
    rows.map((cells) => cells.map(plain)),
  )
    .join('\n')
    .trimEnd();
}

/** JSON without characters that a terminal acts on. */
export function renderJson(simulation: Simulation): string {
  const text = JSON.stringify(simulation);
  return `${text.replace(/[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/gu, (found) => [...found].map(escaped).join(''))}\n`;
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, place) => character.charCodeAt(place));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
