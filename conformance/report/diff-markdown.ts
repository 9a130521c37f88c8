import { type ClauseDiff, COMPARISONS, type Comparison, type ReportDiff, type Side } from './diff.ts';
import { COMPARISON_TITLES, describeSubject, verdictOf } from './diff-terminal.ts';
import { code, plain, prose, table } from './markdown-text.ts';
import { plural, shorten } from './text.ts';

const MAX_MESSAGE = 300;

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
    ...section(diff, 'differ', ['Rule', 'A', 'B'], (clause) => [ruleCell(clause), whole(clause.a), whole(clause.b)]),
    ...folded(diff, 'untested', ['Rule', 'A', 'B'], (clause) => [ruleCell(clause), whole(clause.a), whole(clause.b)]),
    ...folded(diff, 'not testable', ['Rule'], (clause) => [ruleCell(clause)]),
    ...folded(diff, 'agree', ['Rule', 'A', 'B'], (clause) => [
      ruleCell(clause),
      plain(verdictOf(clause.a)),
      plain(verdictOf(clause.b)),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

type Cells = (clause: ClauseDiff) => string[];

function section({ clauses }: ReportDiff, comparison: Comparison, headings: string[], cells: Cells): string[] {
  const mine = clauses.filter((clause) => clause.comparison === comparison);
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

function ruleCell({ clause, level, evidence, text }: ClauseDiff): string {
  return `${code(clause)}<br>${prose(text)} (${level}, ${evidence})`;
}

function whole(side: Side | null): string {
  const why = side?.message ? `<br>${code(shorten(side.message, MAX_MESSAGE))}` : '';
  return `**${plain(verdictOf(side))}**${why}`;
}
