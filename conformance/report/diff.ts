import { code, plain, prose, table } from '../../emulator/terminal/formats.ts';
import { type Colour, oneLine, type Paint, painter, plural, shorten, wrap } from '../../emulator/terminal/text.ts';
import { PROFILES, type Profile, RULE_IDS } from '../areas/rules.ts';
import type { Verdict } from '../core/verdict.ts';
import { areaOf, groupBy, type Result, ruleOf, textOf, VERDICT_COLOURS, WORST_FIRST } from './overview.ts';
import type { Report } from './report.ts';
import type { TerminalOptions } from './terminal.ts';

/**
 * How two targets compare under one rule. `untested`: at least one of them was not judged (not run, not offered, an error, or noted only);
 * `not testable`: nothing of the rule can be seen from outside.
 */
const COMPARISONS = ['differ', 'agree', 'untested', 'not testable'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** What one of the two did: the worst verdict of its checks under the rule, and why. */
interface Side {
  verdict: Verdict;
  /** Of the first check with that verdict that says something. */
  message?: string;
}

interface RuleDiff {
  rule: string;
  profile: Profile;
  area: string;
  level: string;
  evidence: string;
  text: string;
  comparison: Comparison;
  /** null where no check of the rule is in the report. */
  a: Side | null;
  b: Side | null;
}

export interface ReportDiff {
  diff: 'kimi-conformance-diff/1';
  a: DiffSubject;
  b: DiffSubject;
  counts: Record<Comparison, number>;
  rules: RuleDiff[];
}

type DiffSubject = { target: string; model: string; kit: string; startedAt: string };

/** Compares two runs rule by rule, over every rule that this kit or either report knows. */
export function diffReports(a: Report, b: Report): ReportDiff {
  const sides = { a: byRule(a.results), b: byRule(b.results) };
  const ids = [...new Set<string>([...RULE_IDS, ...sides.a.keys(), ...sides.b.keys()])];
  const rules = ids.map((id) => compare(id, sides.a.get(id) ?? [], sides.b.get(id) ?? []));
  const count = (comparison: Comparison) => rules.filter((rule) => rule.comparison === comparison).length;
  return {
    diff: 'kimi-conformance-diff/1',
    a: subjectOf(a),
    b: subjectOf(b),
    counts: {
      differ: count('differ'),
      agree: count('agree'),
      untested: count('untested'),
      'not testable': count('not testable'),
    },
    rules: PROFILES.flatMap((profile) => rules.filter((rule) => rule.profile === profile)),
  };
}

/** The comparison as JSON. */
export function diffToJson(diff: ReportDiff): string {
  return `${JSON.stringify(diff, null, 2)}\n`;
}

function compare(id: string, ofA: readonly Result[], ofB: readonly Result[]): RuleDiff {
  const [a, b] = [sideOf(ofA), sideOf(ofB)];
  const [first] = [...ofA, ...ofB];
  const known = ruleOf(id) ?? first;
  return {
    rule: id,
    profile: known?.profile ?? 'session',
    area: areaOf(id),
    level: known?.level ?? 'MUST',
    evidence: known?.evidence ?? 'ours',
    text: textOf(id),
    comparison: !first && ruleOf(id)?.verified !== 'wire' ? 'not testable' : comparisonOf(a, b),
    a,
    b,
  };
}

function comparisonOf(a: Side | null, b: Side | null): Comparison {
  const [inA, inB] = [a && holds(a.verdict), b && holds(b.verdict)];
  if (inA === null || inB === null) return 'untested';
  return inA === inB ? 'agree' : 'differ';
}

/** null where nothing was judged. */
function holds(verdict: Verdict): boolean | null {
  if (verdict === 'pass') return true;
  return verdict === 'fail' || verdict === 'warn' ? false : null;
}

function sideOf(results: readonly Result[]): Side | null {
  const verdict = WORST_FIRST.find((worst) => results.some((result) => result.verdict === worst));
  if (!verdict) return null;
  const message = results.find((result) => result.verdict === verdict && result.message)?.message;
  return { verdict, ...(message !== undefined && { message }) };
}

function byRule(results: readonly Result[]): Map<string, Result[]> {
  const found = new Map<string, Result[]>();
  for (const result of results) found.set(result.rule, [...(found.get(result.rule) ?? []), result]);
  return found;
}

function subjectOf({ target, kit, run }: Report): DiffSubject {
  return { target: target.name, model: target.model, kit, startedAt: run.startedAt };
}

const MAX_MESSAGE = 300;
const COLOURS: Record<Comparison, Colour> = {
  differ: 'red',
  agree: 'green',
  untested: 'yellow',
  'not testable': 'dim',
};
const COMPARISON_TITLES: Record<Comparison, string> = {
  differ: 'Differ',
  agree: 'Agree',
  untested: 'No result on at least one side',
  'not testable': 'Not testable from outside',
};

/** Two runs side by side, for a terminal: first what differs, then what nothing is known of, and what agrees as names only. */
export function renderDiffTerminal(diff: ReportDiff, { color = false, width = 80 }: TerminalOptions = {}): string {
  const paint = painter(color);
  const lines = [...wrap(`A  ${describeSubject(diff.a)}`, width), ...wrap(`B  ${describeSubject(diff.b)}`, width)];
  for (const comparison of ['differ', 'untested', 'not testable', 'agree'] as const) {
    const rules = diff.rules.filter((rule) => rule.comparison === comparison);
    if (rules.length === 0) continue;
    lines.push('', paint('bold', `${COMPARISON_TITLES[comparison]}: ${plural(rules.length, 'rule')}`));
    if (comparison === 'differ') lines.push(...rules.flatMap((rule) => different(rule, paint, width)));
    else lines.push(...grouped(rules, width));
  }
  const totals = COMPARISONS.map((name) => paint(COLOURS[name], `${diff.counts[name]} ${name}`));
  return `${[...lines, '', totals.join(' · ')].join('\n')}\n`;
}

function describeSubject({ target, model, kit, startedAt }: DiffSubject): string {
  return [target, model, `kit ${kit}`, `${startedAt.slice(0, 16).replace('T', ' ')} UTC`].map(oneLine).join(' · ');
}

/** `pass`, or `–` where the report has no check of the rule. */
function verdictText(side: Side | null): string {
  return side?.verdict ?? '–';
}

function different({ rule, level, evidence, text, a, b }: RuleDiff, paint: Paint, width: number): string[] {
  const lines = wrap(`${level}, ${evidence}: ${oneLine(text)}`, width - 4).map((line) => `    ${line}`);
  return [
    '',
    `  ${paint('bold', oneLine(rule))}`,
    ...lines,
    ...sideLines('A', a, paint, width),
    ...sideLines('B', b, paint, width),
  ];
}

function sideLines(name: string, side: Side | null, paint: Paint, width: number): string[] {
  const verdict = verdictText(side);
  const why = side?.message ? `: ${shorten(oneLine(side.message), MAX_MESSAGE)}` : '';
  const [first = '', ...rest] = wrap(`${verdict}${why}`, width - 7);
  const marked = side ? paint(VERDICT_COLOURS[side.verdict], verdict) + first.slice(verdict.length) : first;
  return [`    ${name}  ${marked}`, ...rest.map((line) => `       ${line}`)];
}

function namesOf(rules: readonly RuleDiff[]): string {
  return rules.map(({ rule }) => oneLine(rule)).join(', ');
}

/** `append 26, lines 15`: of what is as it should be, the names are of no use. */
function areasOf(rules: readonly RuleDiff[]): string {
  return groupBy(rules, ({ area }) => area)
    .map(([{ area }, mine]) => `${oneLine(area)} ${mine.length}`)
    .join(', ');
}

/** Rules by what the two did. */
function grouped(rules: readonly RuleDiff[], width: number): string[] {
  return groupBy(rules, ({ a, b }) => `A ${verdictText(a)}, B ${verdictText(b)}`).flatMap(([{ a, b }, mine]) => {
    const names = a?.verdict === 'pass' && b?.verdict === 'pass' ? areasOf(mine) : namesOf(mine);
    const head = a || b ? `A ${verdictText(a)}, B ${verdictText(b)}: ` : '';
    return wrap(`${head}${names}`, width - 2).map((line) => `  ${line}`);
  });
}

/** Two runs side by side, in GitHub's Markdown. */
export function renderDiffMarkdown(diff: ReportDiff): string {
  const lines = [
    '## Kimi conformance: A against B',
    '',
    `- **A** ${plain(describeSubject(diff.a))}`,
    `- **B** ${plain(describeSubject(diff.b))}`,
    '',
    ...table(
      COMPARISONS.map((name) => name),
      COMPARISONS.map(() => 'right'),
      [COMPARISONS.map((name) => String(diff.counts[name]))],
    ),
    ...section(diff, 'differ', ['Rule', 'A', 'B'], (rule) => [ruleCell(rule), whole(rule.a), whole(rule.b)]),
    ...folded(diff, 'untested', ['Rule', 'A', 'B'], (rule) => [ruleCell(rule), whole(rule.a), whole(rule.b)]),
    ...folded(diff, 'not testable', ['Rule'], (rule) => [ruleCell(rule)]),
    ...folded(diff, 'agree', ['Rule', 'A', 'B'], (rule) => [
      ruleCell(rule),
      plain(verdictText(rule.a)),
      plain(verdictText(rule.b)),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

type Cells = (rule: RuleDiff) => string[];

function section({ rules }: ReportDiff, comparison: Comparison, headings: string[], cells: Cells): string[] {
  const mine = rules.filter((rule) => rule.comparison === comparison);
  const align = headings.map(() => 'left' as const);
  return mine.length === 0
    ? []
    : [`### ${COMPARISON_TITLES[comparison]}`, '', ...table(headings, align, mine.map(cells))];
}

function folded(diff: ReportDiff, comparison: Comparison, headings: string[], cells: Cells): string[] {
  const [, , ...inside] = section(diff, comparison, headings, cells);
  if (inside.length === 0) return [];
  const summary = `${COMPARISON_TITLES[comparison]}: ${plural(diff.counts[comparison], 'rule')}`;
  return [`<details><summary>${summary}</summary>`, '', ...inside, '</details>', ''];
}

function ruleCell({ rule, level, evidence, text }: RuleDiff): string {
  return `${code(rule)}<br>${prose(text)} (${level}, ${evidence})`;
}

function whole(side: Side | null): string {
  const why = side?.message ? `<br>${code(shorten(side.message, MAX_MESSAGE))}` : '';
  return `**${plain(verdictText(side))}**${why}`;
}
