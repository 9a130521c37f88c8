import { type ClauseDiff, COMPARISONS, type Comparison, type DiffSubject, type ReportDiff, type Side } from './diff.ts';
import { groupBy } from './overview.ts';
import { type Colour, type Paint, painter, VERDICT_COLOURS } from './paint.ts';
import type { TerminalOptions } from './terminal.ts';
import { oneLine, plural, shorten, wrap } from './text.ts';

const MAX_MESSAGE = 300;
const COLOURS: Record<Comparison, Colour> = {
  differ: 'red',
  agree: 'green',
  untested: 'yellow',
  'not testable': 'dim',
};
export const COMPARISON_TITLES: Record<Comparison, string> = {
  differ: 'They differ',
  agree: 'They agree',
  untested: 'Not judged on at least one of them',
  'not testable': 'Not to be seen from outside',
};

/** Two runs side by side, for a terminal: first what differs, then what nothing is known of, and what agrees as names only. */
export function renderDiffTerminal(diff: ReportDiff, { color = false, width = 80 }: TerminalOptions = {}): string {
  const paint = painter(color);
  const lines = [...wrap(`A  ${describeSubject(diff.a)}`, width), ...wrap(`B  ${describeSubject(diff.b)}`, width)];
  for (const comparison of ['differ', 'untested', 'not testable', 'agree'] as const) {
    const clauses = diff.clauses.filter((clause) => clause.comparison === comparison);
    if (clauses.length === 0) continue;
    lines.push('', paint('bold', `${COMPARISON_TITLES[comparison]}: ${plural(clauses.length, 'rule')}`));
    if (comparison === 'differ') lines.push(...clauses.flatMap((clause) => different(clause, paint, width)));
    else lines.push(...grouped(clauses, width));
  }
  const totals = COMPARISONS.map((name) => paint(COLOURS[name], `${diff.counts[name]} ${name}`));
  return `${[...lines, '', totals.join(' · ')].join('\n')}\n`;
}

export function describeSubject({ target, model, kit, startedAt }: DiffSubject): string {
  return [target, model, `kit ${kit}`, `${startedAt.slice(0, 16).replace('T', ' ')} UTC`].map(oneLine).join(' · ');
}

/** `pass`, or `–` where the report has no check of the rule. */
export function verdictOf(side: Side | null): string {
  return side?.verdict ?? '–';
}

function different({ clause, level, evidence, text, a, b }: ClauseDiff, paint: Paint, width: number): string[] {
  const rule = wrap(`${level}, ${evidence}: ${oneLine(text)}`, width - 4).map((line) => `    ${line}`);
  return [
    '',
    `  ${paint('bold', oneLine(clause))}`,
    ...rule,
    ...sideLines('A', a, paint, width),
    ...sideLines('B', b, paint, width),
  ];
}

function sideLines(name: string, side: Side | null, paint: Paint, width: number): string[] {
  const verdict = verdictOf(side);
  const why = side?.message ? `: ${shorten(oneLine(side.message), MAX_MESSAGE)}` : '';
  const [first = '', ...rest] = wrap(`${verdict}${why}`, width - 7);
  const marked = side ? paint(VERDICT_COLOURS[side.verdict], verdict) + first.slice(verdict.length) : first;
  return [`    ${name}  ${marked}`, ...rest.map((line) => `       ${line}`)];
}

function namesOf(clauses: readonly ClauseDiff[]): string {
  return clauses.map(({ clause }) => oneLine(clause)).join(', ');
}

/** `append 26, lines 15`: of what is as it should be, the names are of no use. */
function areasOf(clauses: readonly ClauseDiff[]): string {
  return groupBy(clauses, ({ area }) => area)
    .map(([{ area }, mine]) => `${oneLine(area)} ${mine.length}`)
    .join(', ');
}

/** Rules by what the two did. */
function grouped(clauses: readonly ClauseDiff[], width: number): string[] {
  return groupBy(clauses, ({ a, b }) => `A ${verdictOf(a)}, B ${verdictOf(b)}`).flatMap(([{ a, b }, mine]) => {
    const names = a?.verdict === 'pass' && b?.verdict === 'pass' ? areasOf(mine) : namesOf(mine);
    const head = a || b ? `A ${verdictOf(a)}, B ${verdictOf(b)}: ` : '';
    return wrap(`${head}${names}`, width - 2).map((line) => `  ${line}`);
  });
}
