import { oneLine, plural } from '../terminal/text.ts';
import {
  claimFigure,
  claimsInput,
  frontText,
  grouped,
  groupsOf,
  money,
  notesOf,
  percent,
  savedAgainst,
} from './report.ts';
import type { Row, Run, Simulation } from './result.ts';
import { settingText } from './settings.ts';

/** One page with charts: no script, no network, nothing of a transcript as markup. */
export function renderHtml(simulation: Simulation): string {
  const { claims, transcripts, rows, recommendation, complete, version } = simulation;
  const shown = chosenRows(simulation);
  const longest = transcripts.reduce(
    (best, one) => (one.rounds > best.rounds ? one : best),
    transcripts[0] ?? { name: '', rounds: 0 },
  );
  const body = [
    `<h1>What each policy costs, and what its window still knows</h1>`,
    complete ? '' : '<p class="warn">Ended early: what follows is what was done until then.</p>',
    recommendation ? `<p class="lead"><strong>Recommended:</strong> ${text(recommendation.text)}.</p>` : '',
    claims.length > 0
      ? section('The article’s claims', `<p>On ${text(claimsInput(simulation))}.</p>${claimTable(simulation)}`)
      : '',
    section(
      'Cost and recall',
      `<div class="charts">${[
        scatter(rows, recommendation?.row),
        roundChart('Tokens in the window', 'tokens', longest.name, shown, simulation, ({ series }) => series.window),
        roundChart('Cost so far', 'USD', longest.name, shown, simulation, costSoFar),
        roundChart('Facts that still stand', '% of those said', longest.name, shown, simulation, recallByRound, 100),
      ].join('')}</div>`,
    ),
    ...groupsOf(rows).map((group) =>
      section(
        group.title,
        settingTable(group.rows, recommendation ? rows[recommendation.row] : undefined, frontText(rows)),
      ),
    ),
    section(
      'Transcripts',
      `<ul>${transcripts.map((one) => `<li>${text(one.name)}: ${plural(one.rounds, 'request')}, ${plural(one.messages, 'message')}, ${plural(one.planted, 'fact')} planted, ${one.natural} of its own${one.notes.map((note) => `; ${text(note)}`).join('')}</li>`).join('')}</ul>`,
    ),
    section(
      'How to read this',
      `<ul>${notesOf(simulation)
        .map((note) => `<li>${text(note)}</li>`)
        .join('')}</ul>`,
    ),
    `<footer>kimi-emulator ${text(version)} simulate, seed ${simulation.seed}</footer>`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>kimi-emulator simulate</title><style>${STYLE}</style></head>
<body><main>${body.join('\n')}</main></body></html>
`;
}

const STYLE = `
:root{color-scheme:light dark;--bg:#fbfbfa;--fg:#1d1f23;--dim:#5d636d;--line:#d9dce1;--card:#fff;--warn:#9a3412;--c0:#5d636d;--c1:#1d6fd0;--c2:#b4460f;--c3:#0d7a5f;--c4:#8a3ab9}
@media (prefers-color-scheme:dark){:root{--bg:#15171a;--fg:#e8eaed;--dim:#a2a9b4;--line:#343941;--card:#1c1f24;--warn:#fdba74;--c0:#a2a9b4;--c1:#6db3ff;--c2:#ff9a5c;--c3:#4fd1a8;--c4:#d29bff}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:1240px;margin:0 auto;padding:24px 16px}h1{font-size:1.5rem;line-height:1.25;margin:0 0 12px}h2{font-size:1.1rem;margin:32px 0 8px}
p,ul{margin:8px 0}ul{padding-left:20px}li,footer{overflow-wrap:anywhere}.lead{border-left:3px solid var(--c1);padding:4px 12px}.warn{color:var(--warn);font-weight:600}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:6px;background:var(--card)}table{border-collapse:collapse;width:100%;font-size:.875rem}
th,td{text-align:left;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}th{color:var(--dim);font-weight:600}
th,td{min-width:5rem}td:first-child{min-width:12rem}.n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap}.dim{color:var(--dim)}.best td{font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px}figure{margin:0;border:1px solid var(--line);border-radius:6px;background:var(--card);padding:12px}
figcaption{font-weight:600;margin-bottom:4px;overflow-wrap:anywhere}figcaption span{font-weight:400;color:var(--dim)}svg{display:block;width:100%;height:auto}svg text{fill:var(--fg);font:11px system-ui,sans-serif}svg .dim{fill:var(--dim)}
.axis{stroke:var(--dim)}.grid{stroke:var(--line)}.key{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:.8rem;margin-top:4px}.key i{display:inline-block;width:14px;height:3px;vertical-align:middle;margin-right:5px}
footer{margin-top:32px;color:var(--dim);font-size:.85rem}
@media (max-width:699px){svg text{font-size:14px}thead{display:none}table,tbody,tr,td{display:block}tr{padding:8px 10px;border-bottom:1px solid var(--line)}tr:last-child{border-bottom:0}td,td.n{border:0;padding:1px 0;text-align:left;white-space:normal}td:first-child{font-weight:600}td:not(:first-child)::before{content:attr(data-name) ': ';color:var(--dim);font-weight:400}}`;

function text(value: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return oneLine(value).replace(/[&<>"']/g, (found) => entities[found] ?? found);
}

function section(title: string, body: string): string {
  return `<section><h2>${text(title)}</h2>${body}</section>`;
}

interface Cell {
  readonly value: string;
  readonly isNumber?: boolean;
}

function table(heads: readonly Cell[], rows: readonly { cells: readonly Cell[]; best?: boolean }[]): string {
  const open = (tag: string, { isNumber }: Cell, name = '') => `<${tag}${isNumber ? ' class="n"' : ''}${name}>`;
  const head = (cell: Cell) => `${open('th', cell)}${text(cell.value)}</th>`;
  const body = (cell: Cell, place: number) =>
    `${open('td', cell, ` data-name="${text(heads[place]?.value ?? '')}"`)}${text(cell.value)}</td>`;
  const line = ({ cells, best }: { cells: readonly Cell[]; best?: boolean }) =>
    `<tr${best ? ' class="best"' : ''}>${cells.map(body).join('')}</tr>`;
  return `<div class="scroll" tabindex="0"><table><thead><tr>${heads.map(head).join('')}</tr></thead><tbody>${rows.map(line).join('')}</tbody></table></div>`;
}

const of = (value: string): Cell => ({ value });
const figure = (value: string): Cell => ({ value, isNumber: true });

function claimTable({ claims }: Simulation): string {
  const heads = [
    of('Scenario'),
    of('Measure'),
    figure('Claimed'),
    figure('Simulated'),
    of('Baseline → simulated'),
    of('Simulated was'),
    of('Baseline'),
  ];
  const rows = claims.map((claim) => ({
    cells: [
      of(claim.scenario),
      of(claim.measure),
      figure(claim.claimed),
      figure(claimFigure(claim)),
      of(claim.figures),
      of(claim.own),
      of(claim.baseline),
    ],
  }));
  return table(heads, rows);
}

function settingTable(rows: readonly Row[], best: Row | undefined, front: string): string {
  const heads = [
    'Cost, USD',
    'Saved against stateless with cache',
    'Saved against stateless without cache',
    'Planted facts',
    'Natural facts',
    'Latency (model), s',
    'Shrunk',
  ];
  const lines = rows.map((row) => ({
    best: row === best,
    cells: [
      of(
        (row.onFront ? '★ ' : '') +
          settingText(row.setting) +
          (row.ended.length > 0 ? ` (not finished: ${row.ended.join('; ')})` : ''),
      ),
      figure(money(row.cost)),
      figure(percent(savedAgainst(row, 'stateless+cache'), 1)),
      figure(percent(savedAgainst(row, 'stateless'), 1)),
      figure(percent(row.recall.planted.mean)),
      figure(percent(row.recall.natural.mean)),
      figure(grouped(row.seconds)),
      figure(String(row.shrinks)),
    ],
  }));
  return `${table([of('Setting'), ...heads.map(figure)], lines)}<p class="dim">★ ${text(front)}. Facts: the share of those said that stands in the window, all rounds together.</p>`;
}

const MOST_LINES = 4;

/** The settings that are drawn round by round: what is recommended, its baseline with cache, and others of its day's front. */
function chosenRows({ rows, recommendation }: Simulation): Row[] {
  const best = recommendation ? rows[recommendation.row] : undefined;
  const like = (best ?? rows[0])?.setting;
  const first = rows.find(({ setting: { policy, model, date, ttl } }) =>
    [policy === 'stateless+cache', model === like?.model, date === like?.date, ttl === like?.ttl].every(Boolean),
  );
  const front = rows.filter(({ onFront, setting }) => onFront && setting.date === like?.date);
  const byCost = front.toSorted((a, b) => a.cost - b.cost);
  const others = byCost.filter((_, place) => place % Math.max(1, Math.floor(byCost.length / MOST_LINES)) === 0);
  return [...new Set([first, best, ...others])].filter((row) => row !== undefined).slice(0, MOST_LINES + 1);
}

const WIDTH = 440;
const HEIGHT = 270;
const LEFT = 60;
const RIGHT = 18;
const TOP = 12;
const BOTTOM = 40;

interface Scale {
  readonly most: number;
  readonly ticks: readonly number[];
}

/** Round numbers from 0 up to at least `most`. */
function scaleTo(most: number): Scale {
  if (!(most > 0)) return { most: 1, ticks: [0, 1] };
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((times) => times * power >= rough) ?? 10) * power;
  const count = Math.ceil(most / step - 1e-9);
  return { most: count * step, ticks: Array.from({ length: count + 1 }, (_, place) => place * step) };
}

function tickText(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toFixed(2))}M`;
  if (value >= 10_000) return `${Number((value / 1_000).toFixed(1))}K`;
  return String(Number(value.toPrecision(6)));
}

/** Axes with their names and units, and what stands between them. */
function chart(
  title: string,
  about: string,
  axes: { x: string; y: string; xs: Scale; ys: Scale },
  marks: string,
  key: string,
): string {
  const { x, y, xs, ys } = axes;
  const grid = ys.ticks.map((tick) => {
    const at = atY(tick, ys);
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text class="dim" x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${tickText(tick)}</text>`;
  });
  const feet = xs.ticks.map(
    (tick) =>
      `<text class="dim" x="${atX(tick, xs)}" y="${HEIGHT - BOTTOM + 15}" text-anchor="middle">${tickText(tick)}</text>`,
  );
  const lines = `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}"/><line class="axis" x1="${LEFT}" x2="${LEFT}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>`;
  const names = `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${text(x)}</text><text x="12" y="${(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 12 ${(TOP + HEIGHT - BOTTOM) / 2})">${text(y)}</text>`;
  return `<figure><figcaption>${text(title)} <span>${text(about)}</span></figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${text(`${title}: ${y} against ${x}`)}">${grid.join('')}${feet.join('')}${lines}${names}${marks}</svg>${key}</figure>`;
}

function atX(value: number, { most }: Scale): number {
  return rounded(LEFT + (value / most) * (WIDTH - LEFT - RIGHT));
}

function atY(value: number, { most }: Scale): number {
  return rounded(HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM));
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Settings as points; the front as a line. */
function scatter(rows: readonly Row[], best: number | undefined): string {
  const points = rows.filter(
    ({ leastRecall, ended, setting }) => leastRecall !== null && ended.length === 0 && setting.policy !== 'stateless',
  );
  const xs = scaleTo(Math.max(0, ...points.map(({ cost }) => cost)));
  const ys = scaleTo(100);
  const place = ({ cost, leastRecall }: Row) => `${atX(cost, xs)},${atY(100 * (leastRecall ?? 0), ys)}`;
  // The prices of each day have a front of their own.
  const days = [...new Set(points.map(({ setting }) => setting.date))];
  const lines = days.map((day) => {
    const front = points.filter(({ onFront, setting }) => onFront && setting.date === day);
    const through = front.toSorted((a, b) => a.cost - b.cost).map(place);
    return `<polyline points="${through.join(' ')}" fill="none" stroke="var(--c1)" stroke-width="1.5"/>`;
  });
  const marks = points
    .toSorted((a, b) => Number(a.onFront) - Number(b.onFront))
    .map((row) => {
      const [x, y] = place(row).split(',');
      const isBest = rows.indexOf(row) === best;
      const paint = row.onFront ? 'var(--c1)' : 'var(--c0)';
      const title = `<title>${text(`${row.text}: ${money(row.cost)} USD, ${percent(row.leastRecall)}`)}</title>`;
      return `<circle cx="${x}" cy="${y}" r="${isBest ? 7 : 4}" fill="${paint}"${isBest ? ' stroke="var(--fg)" stroke-width="2"' : ''}>${title}</circle>`;
    });
  const key = `<div class="key"><span><i style="background:var(--c1)"></i>${text(frontText(rows))}</span><span><i style="background:var(--c0)"></i>others</span><span>ringed: recommended</span><span class="dim">stateless without cache is left out</span></div>`;
  const axes = { x: 'cost, USD', y: 'facts in the window, %', xs, ys };
  return chart(
    'Recall against cost',
    'the lower of planted and natural facts',
    axes,
    [...lines, ...marks].join(''),
    key,
  );
}

/** A line a setting over the rounds of one transcript. */
function roundChart(
  title: string,
  unit: string,
  transcript: string,
  rows: readonly Row[],
  { runs }: Simulation,
  pick: (run: Run) => readonly (number | null)[],
  most?: number,
): string {
  const lines = rows.flatMap((row) => {
    const wanted = JSON.stringify(row.setting);
    const run = runs.find((one) => one.transcript === transcript && JSON.stringify(one.setting) === wanted);
    return run ? [{ row, values: pick(run) }] : [];
  });
  const xs = scaleTo(Math.max(1, ...lines.map(({ values }) => values.length)));
  const ys = scaleTo(most ?? Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const drawn = lines.map(({ values }, place) => {
    const points = values.flatMap((value, round) =>
      value === null ? [] : [`${atX(round + 1, xs)},${atY(value, ys)}`],
    );
    return `<polyline points="${points.join(' ')}" fill="none" stroke="var(--c${place % (MOST_LINES + 1)})" stroke-width="2" stroke-linejoin="round"/>`;
  });
  const key = lines.map(
    ({ row }, place) => `<span><i style="background:var(--c${place % (MOST_LINES + 1)})"></i>${text(row.text)}</span>`,
  );
  return chart(
    title,
    transcript,
    { x: 'request', y: unit, xs, ys },
    drawn.join(''),
    `<div class="key">${key.join('')}</div>`,
  );
}

function costSoFar({ series }: Run): number[] {
  let sum = 0n;
  return series.cost.map((cost) => {
    sum += BigInt(cost);
    return Number(sum) / 1e12;
  });
}

function recallByRound({ series: { said, known } }: Run): (number | null)[] {
  return said.planted.map((planted, round) => {
    const all = planted + (said.natural[round] ?? 0);
    const left = (known.planted[round] ?? 0) + (known.natural[round] ?? 0);
    return all === 0 ? null : (100 * left) / all;
  });
}
