import type { Profile } from '../areas/rules.ts';
import type { Report } from '../report/report.ts';
import type { Target } from '../targets/target.ts';
import { KIT_VERSION } from '../version.ts';
import { applyBaseline, type Baseline } from './baseline.ts';
import type { Case } from './case.ts';
import { Runner, type RunnerOptions } from './runner.ts';
import { isComplete, planOf, type Selection, select } from './selection.ts';
import { exitCodeOf, isReliable, reliabilityOf, summarise } from './summary.ts';
import type { CheckResult } from './verdict.ts';

/** The run was interrupted so early that there is nothing to report. */
export class Interrupted extends Error {}

export interface RunOptions extends Selection, RunnerOptions {
  baseline?: Baseline;
  /** Called after each case, with how many of them there are. */
  onCase?: (subject: Case, results: CheckResult[], done: number, all: number) => void;
}

/**
 * Runs the kit against a target and says how it stands. Leaves nothing behind.
 * @throws SelectionError for an unknown case; MaxSpendMissing where it costs money and `maxSpend` is not given; Unreachable, in one line,
 * where the target does not answer as an API does; Interrupted
 */
export async function runConformance(target: Target, options: RunOptions = {}): Promise<Report> {
  const cases = select(options, target.model);
  const runner = new Runner(target, options);
  const startedAt = new Date();
  const results: CheckResult[] = [];
  try {
    await runner.prepare().catch((error: unknown) => {
      throw options.signal?.aborted ? new Interrupted('interrupted before the first check') : error;
    });
    for (const [index, subject] of cases.entries()) {
      const found = await runner.runCase(subject);
      results.push(...found);
      options.onCase?.(subject, found, index + 1, cases.length);
    }
  } finally {
    runner.close();
  }
  return reportOf({ runner, options, cases, results, startedAt });
}

interface Ran {
  runner: Runner;
  options: RunOptions;
  cases: readonly Case[];
  results: CheckResult[];
  startedAt: Date;
}

/** What a run amounts to. */
function reportOf({ runner, options, cases, results, startedAt }: Ran): Report {
  const { target, limits, refusedLimits, capabilities, budget, connection, resources, leaked } = runner;
  const redact = runner.redactor();
  const baseline = options.baseline ? applyBaseline(options.baseline, results, isComplete(options), startedAt) : null;
  const reliability = reliabilityOf(connection, target.paid);
  const asked: readonly Profile[] = options.profiles ?? [];
  const report: Omit<Report, 'exitCode'> = {
    report: 'kimi-conformance/2',
    kit: KIT_VERSION,
    run: {
      id: runner.run,
      startedAt: startedAt.toISOString(),
      durationMs: Date.now() - startedAt.getTime(),
      profiles: [...asked],
      cases: options.cases ? [...options.cases] : null,
      ...(options.exclude?.length && { excluded: [...options.exclude] }),
      interrupted: options.signal?.aborted ?? false,
      ...(connection.unresponsive !== undefined && { stopped: redact(connection.unresponsive) }),
    },
    target: {
      name: target.name,
      model: target.model,
      limits,
      ...(refusedLimits.length > 0 && { refusedLimits }),
      capabilities,
    },
    results,
    profiles: summarise(results, new Set(baseline?.known), isReliable(reliability)),
    spending: budget.toReport(),
    reliability,
    retries: connection.retries.map(({ request, reason }) => ({ request: redact(request), reason: redact(reason) })),
    leaked,
    lost: resources.unanswered.map(({ request, account }) => ({ request: redact(request), account })),
    baseline,
    completeness: { declared: planOf(cases, limits, budget, target.model).checks, reported: results.length },
  };
  return { ...report, exitCode: exitCodeOf(report, asked) };
}
