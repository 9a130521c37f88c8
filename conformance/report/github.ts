import { EXIT } from '../core/summary.ts';
import { type Group, outcomeOf, overviewOf, problemsOf, textOf } from './overview.ts';
import type { Report } from './report.ts';
import { oneLine, plural, shorten, visible } from './text.ts';

type Kind = 'error' | 'warning' | 'notice';

interface Annotation {
  kind: Kind;
  title: string;
  message: string;
}

/** GitHub shows ten of each kind for a step and drops the rest without a word; the last one says how many more there are. */
const MOST = 10;
const MAX_MESSAGE = 1_000;
const MAX_TITLE = 120;

/** Workflow commands for the log of a GitHub job: an annotation for each thing that does not hold. */
export function renderGithub(report: Report): string {
  const { broken, unjudged, known } = overviewOf(report);
  const ofVerdict = (verdict: string) => broken.filter((group) => group.verdict === verdict);
  const annotations: Annotation[] = [
    ...problemsOf(report).map((message) => ({ kind: 'error' as const, title: 'Kimi conformance', message })),
    ...ofVerdict('fail').map(annotate('error', 'does not hold')),
    ...unjudged.map(annotate('error', 'could not be judged')),
    ...ofVerdict('warn').map(annotate('warning', 'should hold')),
    ...known.map(annotate('notice', 'known failure')),
  ];
  if (report.exitCode !== EXIT.conformant && !annotations.some(({ kind }) => kind === 'error')) {
    annotations.push({
      kind: 'error',
      title: 'Kimi conformance',
      message: `The run is not green: ${outcomeOf(report)}.`,
    });
  }
  return (['error', 'warning', 'notice'] as const)
    .flatMap((kind) => capped(annotations.filter((annotation) => annotation.kind === kind)))
    .map(({ kind, title, message }) => `::${kind} title=${escapeProperty(title)}::${escapeData(message)}\n`)
    .join('');
}

function annotate(kind: Kind, what: string) {
  return ({ message, results }: Group): Annotation => {
    const [first] = results;
    const title = results.length === 1 && first ? first.id : plural(results.length, 'check');
    const rules = results.map(({ id, rule }) => `${id}: ${oneLine(textOf(rule))}`);
    const told = [message, ...(results.length === 1 && first ? [textOf(first.rule)] : rules)].filter(Boolean);
    return { kind, title: `${title} ${what}`, message: told.join('\n') };
  };
}

function capped(annotations: Annotation[]): Annotation[] {
  const [first] = annotations;
  if (!first || annotations.length <= MOST) return annotations;
  const rest = annotations.length - (MOST - 1);
  const more = { kind: first.kind, title: 'Kimi conformance', message: `${rest} more like these: see the report.` };
  return [...annotations.slice(0, MOST - 1), more];
}

function escapeData(text: string): string {
  return shorten(visible(text), MAX_MESSAGE).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(shorten(oneLine(text), MAX_TITLE))
    .replaceAll(':', '%3A')
    .replaceAll(',', '%2C');
}
