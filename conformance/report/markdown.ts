import { code, plain, prose, table } from '../../emulator/terminal/formats.ts';
import { plural, shorten } from '../../emulator/terminal/text.ts';
import { PROFILES } from '../areas/rules.ts';
import { VERDICTS } from '../core/verdict.ts';
import {
  type Area,
  conclude,
  type Group,
  outcomeOf,
  overviewOf,
  problemsOf,
  spendingLine,
  subjectOf,
  textOf,
} from './overview.ts';
import type { ProfileStatus, Report } from './report.ts';

const MAX_MESSAGE = 400;
/** A job summary may hold 1 MiB. */
const MAX_GROUPS = 50;
const MAX_IDS = 20;

const STATUS_SIGNS: Record<ProfileStatus, string> = {
  conformant: '✅',
  'non-conformant': '❌',
  unreliable: '❌',
  incomplete: '⚠️',
  'not offered': '➖',
  'not selected': '➖',
};

/** The report for a job summary or a pull request, in GitHub's Markdown. */
export function renderMarkdown(report: Report): string {
  const { areas, broken, unjudged, known, told, untried } = overviewOf(report);
  const lines = [
    '## Kimi conformance',
    '',
    subjectOf(report).map(plain).join(' · '),
    '',
    ...table(
      ['Profile', 'Result'],
      ['left', 'left'],
      PROFILES.map((name) => [
        `**${name}**`,
        `${STATUS_SIGNS[report.profiles[name].status]} ${plain(conclude(report, name))}`,
      ]),
    ),
    ...bullets('The run', problemsOf(report)),
    ...findings('Failed rules', broken),
    ...findings('No result', unjudged),
    ...folded('Known failures', known),
    ...folded('Noted, not scored', told),
    ...folded('Skipped, and why', untried),
    '<details><summary>By area</summary>',
    '',
    ...areaTable(areas),
    '</details>',
    '',
    `${plain(spendingLine(report))} Retries: ${report.retries.length}. Exit code ${report.exitCode}: ${plain(outcomeOf(report))}.`,
    '',
  ];
  return lines.join('\n');
}

function areaTable(areas: readonly Area[]): string[] {
  const rows = areas.map(({ profile, area, counts }) => [
    profile,
    plain(area),
    ...VERDICTS.map((verdict) => (counts[verdict] === 0 ? '' : String(counts[verdict]))),
  ]);
  const align = ['left', 'left', ...VERDICTS.map(() => 'right')] as ('left' | 'right')[];
  return table(['Profile', 'Area', ...VERDICTS.map(plain)], align, rows);
}

function bullets(title: string, texts: readonly string[]): string[] {
  return texts.length === 0
    ? []
    : [`### ${title}`, '', ...texts.map((text) => `- ${plain(shorten(text, MAX_MESSAGE))}`), ''];
}

function findings(title: string, groups: readonly Group[]): string[] {
  if (groups.length === 0) return [];
  const shown = groups.slice(0, MAX_GROUPS).flatMap(({ verdict, message, results }) => {
    const rules = results.slice(0, MAX_IDS).map(({ id, rule, level, evidence }) => {
      return `- **${verdict}** ${code(id)}: ${prose(textOf(rule))} (${level}, ${evidence}, ${code(rule)})`;
    });
    const more = results.length - rules.length;
    return [
      ...rules,
      ...(more > 0 ? [`- and ${plural(more, 'more check')} for this reason`] : []),
      '',
      `  > ${cut(message)}`,
      '',
    ];
  });
  const more = groups.length - MAX_GROUPS;
  return [`### ${title}`, '', ...shown, ...(more > 0 ? [`And ${more} more: see the whole report.`, ''] : [])];
}

function folded(title: string, groups: readonly Group[]): string[] {
  if (groups.length === 0) return [];
  const all = groups.reduce((sum, { results }) => sum + results.length, 0);
  const rows = groups.slice(0, MAX_GROUPS).map(({ message, results }) => {
    const ids = results.slice(0, MAX_IDS).map(({ id }) => code(id));
    return [
      cut(message),
      ids.join(', ') + (results.length > ids.length ? ` and ${results.length - ids.length} more` : ''),
    ];
  });
  const inside = table(['Why', 'Checks'], ['left', 'left'], rows);
  return [`<details><summary>${title}: ${plural(all, 'check')}</summary>`, '', ...inside, '</details>', ''];
}

function cut(text: string): string {
  return code(shorten(text, MAX_MESSAGE));
}
