import { type Annotation, renderAnnotations } from '../../emulator/terminal/formats.ts';
import { oneLine, plural } from '../../emulator/terminal/text.ts';
import { EXIT } from '../core/summary.ts';
import { type Group, outcomeOf, overviewOf, problemsOf, textOf } from './overview.ts';
import type { Report } from './report.ts';

const TITLE = 'Kimi conformance';

/** Workflow commands for the log of a GitHub job: an annotation for each thing that does not hold. */
export function renderGithub(report: Report): string {
  const { broken, unjudged, known } = overviewOf(report);
  const ofVerdict = (verdict: string) => broken.filter((group) => group.verdict === verdict);
  // A list of known failures may cover them.
  const ofProblems: Annotation['kind'] = report.exitCode === EXIT.conformant ? 'warning' : 'error';
  const annotations: Annotation[] = [
    ...problemsOf(report).map((message) => ({ kind: ofProblems, title: TITLE, message })),
    ...ofVerdict('fail').map(annotate('error', 'does not hold')),
    ...unjudged.map(annotate('error', 'could not be judged')),
    ...ofVerdict('warn').map(annotate('warning', 'should hold')),
    ...known.map(annotate('notice', 'known failure')),
  ];
  if (report.exitCode !== EXIT.conformant && !annotations.some(({ kind }) => kind === 'error')) {
    annotations.push({
      kind: 'error',
      title: TITLE,
      message: `The run is not green: ${outcomeOf(report)}.`,
    });
  }
  return renderAnnotations(annotations, TITLE);
}

function annotate(kind: Annotation['kind'], what: string) {
  return ({ message, results }: Group): Annotation => {
    const [first] = results;
    const title = results.length === 1 && first ? first.id : plural(results.length, 'check');
    const rules = results.map(({ id, rule }) => `${id}: ${oneLine(textOf(rule))}`);
    const told = [message, ...(results.length === 1 && first ? [textOf(first.rule)] : rules)].filter(Boolean);
    return { kind, title: `${title} ${what}`, message: told.join('\n') };
  };
}
