import { columns, oneLine, type Paint, painter, plural, shorten, visible, wrap } from '../../emulator/terminal/text.ts';
import { PROFILES } from '../areas/rules.ts';
import { VERDICTS, type Verdict } from '../core/verdict.ts';
import {
  type Area,
  areaOf,
  conclude,
  type Group,
  groupBy,
  outcomeOf,
  overviewOf,
  problemsOf,
  type Result,
  spendingLine,
  subjectOf,
  textOf,
  VERDICT_COLOURS,
} from './overview.ts';
import type { Report } from './report.ts';

export interface TerminalOptions {
  /** Escape sequences for colours; false where absent. */
  color?: boolean;
  /** Columns; 80 where absent. */
  width?: number;
}

const HEADINGS: Record<Verdict, string> = { ...identity(VERDICTS), not_run: 'not run' };
const MAX_RETRIES = 5;
const NAME_COLUMNS = 22;
const INDENT = ' '.repeat(8);
const LISTED_WHOLE = 3;
const MAX_MESSAGE = 600;

/** What a user sees at the end of a run. */
export function renderTerminal(report: Report, { color = false, width = 80 }: TerminalOptions = {}): string {
  const view = new View(painter(color), width);
  const { areas, broken, unjudged, known, told, untried } = overviewOf(report);
  view.subject(report);
  view.table(areas);
  view.findings('Failed rules', broken);
  view.findings('No result', unjudged);
  view.summaries('Known failures', known);
  view.summaries('Noted, not scored', told);
  view.summaries('Skipped, and why', untried);
  view.retries(report.retries);
  view.section('Notes', problemsOf(report));
  view.line('');
  view.paragraph(spendingLine(report));
  view.conclusion(report);
  return view.toString();
}

class View {
  readonly #lines: string[] = [];
  readonly #paint: Paint;
  readonly #width: number;

  constructor(paint: Paint, width: number) {
    this.#paint = paint;
    this.#width = width;
  }

  line(text: string): void {
    this.#lines.push(text);
  }

  paragraph(text: string, indent = ''): void {
    for (const line of wrap(text, this.#width - indent.length)) this.line(`${indent}${line}`.trimEnd());
  }

  section(title: string, paragraphs: readonly string[]): void {
    if (paragraphs.length === 0) return;
    this.#heading(title);
    for (const paragraph of paragraphs) this.paragraph(paragraph, '  ');
  }

  subject(report: Report): void {
    this.paragraph(`Kimi conformance: ${subjectOf(report).join(' · ')}`);
  }

  table(areas: readonly Area[]): void {
    for (const [{ profile }, mine] of groupBy(areas, (area) => area.profile)) {
      const headings = VERDICTS.map((verdict) => ` ${HEADINGS[verdict].padStart(5)}`).join('');
      this.line('');
      this.line(this.#paint('bold', profile.padEnd(NAME_COLUMNS)) + this.#paint('dim', headings));
      for (const { area, counts } of mine) {
        const cells = VERDICTS.map((verdict) => this.#cell(counts[verdict], verdict)).join('');
        this.line(`  ${shorten(oneLine(area), NAME_COLUMNS - 2).padEnd(NAME_COLUMNS - 2)}${cells}`);
      }
    }
  }

  /** One by one, with the rule; where many fell for one reason, the reason once. */
  findings(title: string, groups: readonly Group[]): void {
    if (groups.length === 0) return;
    this.#heading(title);
    for (const group of groups) {
      const shown = group.results.length > LISTED_WHOLE ? [] : group.results;
      for (const result of shown) this.#finding(result);
      if (shown.length === 0) this.#manyFindings(group);
      this.paragraph(shorten(visible(group.message), MAX_MESSAGE), INDENT);
      this.line('');
    }
    this.#lines.pop();
  }

  /** How many, where, and why. */
  summaries(title: string, groups: readonly Group[]): void {
    this.section(
      title,
      groups.map(
        ({ message, results }) =>
          `${plural(results.length, 'check')} (${placesOf(results)}): ${shorten(oneLine(message), MAX_MESSAGE)}`,
      ),
    );
  }

  retries(retries: Report['retries']): void {
    const groups = groupBy(retries, ({ request, reason }) => `${request} ${reason}`);
    const lines = groups.map(([{ request, reason }, all]) => `${all.length} × ${oneLine(request)}: ${oneLine(reason)}`);
    const more = lines.length - MAX_RETRIES;
    this.section(`Retries (${plural(retries.length, 'time')})`, [
      ...lines.slice(0, MAX_RETRIES),
      ...(more > 0 ? [`and ${more} more requests`] : []),
    ]);
  }

  conclusion(report: Report): void {
    this.line('');
    for (const profile of PROFILES) {
      const good = report.profiles[profile].status === 'conformant';
      const bad =
        report.profiles[profile].status === 'non-conformant' || report.profiles[profile].status === 'unreliable';
      const [first = '', ...rest] = wrap(conclude(report, profile), this.#width - 11);
      const [status = ''] = first.split(':', 1);
      const painted = this.#paint(good ? 'green' : bad ? 'red' : 'yellow', status) + first.slice(status.length);
      this.line(`${this.#paint('bold', profile.padEnd(11))}${painted}`);
      for (const line of rest) this.line(`           ${line}`);
    }
    this.paragraph(`Exit code ${report.exitCode}: ${outcomeOf(report)}.`);
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #heading(title: string): void {
    this.line('');
    this.line(this.#paint('bold', title));
  }

  #cell(count: number, verdict: Verdict): string {
    const width = Math.max(5, columns(HEADINGS[verdict])) + 1;
    const text = (count === 0 ? '·' : String(count)).padStart(width);
    return this.#paint(count === 0 ? 'dim' : VERDICT_COLOURS[verdict], text);
  }

  #finding({ id, verdict, rule, level, evidence }: Result): void {
    const [first = '', ...rest] = wrap(oneLine(id), this.#width - INDENT.length);
    this.line(`${this.#mark(verdict)}${this.#paint('bold', first)}`);
    for (const line of rest) this.line(`${INDENT}${this.#paint('bold', line)}`);
    this.paragraph(`${level}, ${evidence}, ${rule}: ${oneLine(textOf(rule))}`, INDENT);
  }

  #manyFindings({ verdict, results }: Group): void {
    const names = results.map(({ id }) => oneLine(id)).join(', ');
    this.line(`${this.#mark(verdict)}${this.#paint('bold', plural(results.length, 'check'))}, for one reason:`);
    this.paragraph(names, INDENT);
  }

  #mark(verdict: Verdict): string {
    return this.#paint(VERDICT_COLOURS[verdict], `  ${verdict.padEnd(INDENT.length - 2)}`);
  }
}

/** `forks 8, shares 4`. */
function placesOf(results: readonly Result[]): string {
  return groupBy(results, ({ rule }) => areaOf(rule))
    .map(([{ rule }, mine]) => `${areaOf(rule)} ${mine.length}`)
    .join(', ');
}

function identity<Name extends string>(names: readonly Name[]): Record<Name, Name> {
  return Object.fromEntries(names.map((name) => [name, name])) as Record<Name, Name>;
}
