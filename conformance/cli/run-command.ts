import { readFileSync, writeFileSync } from 'node:fs';
import { UsageError } from '../../emulator/terminal/flags.ts';
import { viewOf } from '../../emulator/terminal/text.ts';
import { Baseline, baselineOf } from '../core/baseline.ts';
import { type RunOptions, runConformance } from '../core/run.ts';
import { isComplete } from '../core/selection.ts';
import { EXIT } from '../core/summary.ts';
import { type Report, toJson } from '../report/report.ts';
import { renderTerminal } from '../report/terminal.ts';
import { writeReports } from '../report/write-reports.ts';
import type { Target } from '../targets/target.ts';
import { planCommand, prepareFolder } from './commands.ts';
import { type Options, selectionOf } from './options.ts';
import { targetOf } from './target.ts';
import { progressOn, type Terminal } from './terminal.ts';

/** Something that the run was given is not as it should be. */
export class ConfigurationError extends Error {}

/** Judges the target. Where that costs money, only with `--yes` and a cap; without, the plan is printed and nothing is sent. */
export async function runCommand(options: Options, terminal: Terminal): Promise<number> {
  const target = await targetOf(options, terminal.env);
  try {
    if (target.paid && !(options.yes && options.maxSpend !== undefined)) {
      await planCommand(options, terminal);
      throw new UsageError('nothing was sent: confirm with --yes and set --max-spend');
    }
    return await judge(target, options, terminal);
  } finally {
    await target.close?.();
  }
}

async function judge(target: Target, options: Options, terminal: Terminal): Promise<number> {
  if (options.update && !isComplete(selectionOf(options))) {
    throw new UsageError('--update needs a whole run, without --profile, --case and --exclude');
  }
  if (options.update && options.baseline === undefined) throw new UsageError('--update needs --baseline FILE');
  if (options.reports.length > 0 || target.name !== 'emulator') prepareFolder(options.out);
  const abort = new AbortController();
  const done = terminal.onInterrupt(() => abort.abort());
  const progress = options.quiet ? undefined : progressOn(terminal.stderr);
  try {
    const report = await runConformance(target, {
      ...runOptions(target, options),
      signal: abort.signal,
      ...(progress && { onCase: progress.onCase }),
    });
    progress?.end();
    return publish(report, options, terminal);
  } finally {
    progress?.end();
    done();
  }
}

function runOptions(target: Target, options: Options): RunOptions {
  const { maxSpend, out, baseline, update } = options;
  return {
    ...selectionOf(options),
    ...(maxSpend !== undefined && { maxSpend }),
    // An emulator of the run's own ends with it, and leaves nothing that could be swept.
    ...(target.name !== 'emulator' && { resourcesFolder: out }),
    ...(baseline !== undefined && !update && { baseline: readBaseline(baseline) }),
  };
}

function publish(report: Report, options: Options, { stdout, stderr, env }: Terminal): number {
  const { reports, out, baseline, update, json } = options;
  stdout.write(json ? toJson(report) : renderTerminal(report, viewOf(stdout, env)));
  const { texts, paths } = writeReports(report, reports, out);
  for (const text of texts) (json ? stderr : stdout).write(text);
  for (const path of paths) stderr.write(`written: ${path}\n`);
  if (!update || baseline === undefined) return report.exitCode;
  const { interrupted, stopped } = report.run;
  if (interrupted || stopped !== undefined || report.results.some(({ verdict }) => verdict === 'error')) {
    stderr.write('kimi-emulator conformance: the run is incomplete, so the list of known failures was not written\n');
    return report.exitCode;
  }
  const list = baselineOf(report.results, 'written by --update', new Date(report.run.startedAt));
  writeFileSync(baseline, `${JSON.stringify(list, null, 2)}\n`);
  stderr.write(`${list.entries.length} known failures written to ${baseline}\n`);
  return EXIT.conformant;
}

/** @throws ConfigurationError */
function readBaseline(file: string): Baseline {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new ConfigurationError(`--baseline ${file} does not exist; a first run with --update writes it`);
    }
    throw new ConfigurationError(`--baseline ${file}: ${error instanceof Error ? error.message : error}`);
  }
  const parsed = Baseline.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConfigurationError(`--baseline ${file}: ${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
}
