import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { resolveLimits } from '../../contract/limits.ts';
import { UsageError } from '../../emulator/terminal/flags.ts';
import { writeFiles } from '../../emulator/terminal/formats.ts';
import { oneLine, viewOf } from '../../emulator/terminal/text.ts';
import { RULES, type RuleId } from '../areas/rules.ts';
import { type SweepResult, sweep } from '../core/clean-up.ts';
import type { Capabilities } from '../core/probe.ts';
import { Runner } from '../core/runner.ts';
import { type Plan, planOf, type Selection, select } from '../core/selection.ts';
import { EXIT } from '../core/summary.ts';
import { Inconclusive, Mismatch } from '../core/verdict.ts';
import { diffReports, diffToJson, type ReportDiff, renderDiffMarkdown, renderDiffTerminal } from '../report/diff.ts';
import { type Report, ReportError, readReport } from '../report/report.ts';
import type { Target } from '../targets/target.ts';
import { type Options, selectionOf } from './options.ts';
import { targetOf } from './target.ts';
import type { Terminal } from './terminal.ts';

/** What a run would send at most. Sends nothing, so the limits are the contract's. */
export async function planCommand(options: Options, { stdout, env }: Terminal): Promise<number> {
  const target = await targetOf(options, env);
  try {
    const runner = new Runner(target);
    const plan = planOf(
      select(selectionOf(options), target.model),
      resolveLimits(target.limits),
      runner.budget,
      target.model,
    );
    const spending = runner.budget.toReport();
    stdout.write(
      options.json
        ? asJson({ target: target.name, model: target.model, ...plan, spending })
        : planText(plan, spending, `${target.name}, model ${target.model}`),
    );
    return EXIT.conformant;
  } finally {
    await target.close?.();
  }
}

export async function listCommand(options: Options, { stdout }: Terminal): Promise<number> {
  const selection = selectionOf(options);
  stdout.write(options.json ? asJson(listOf(selection)) : listText(selection));
  return EXIT.conformant;
}

/** What the target offers. Creates nothing and costs nothing. @throws Unreachable */
export async function probeCommand(options: Options, { stdout, env }: Terminal): Promise<number> {
  const target = await targetOf(options, env);
  try {
    const runner = new Runner(target);
    const capabilities = await runner.probe();
    stdout.write(options.json ? asJson(capabilities) : capabilitiesText(capabilities));
    return EXIT.conformant;
  } finally {
    await target.close?.();
  }
}

/** A target that cannot be read is not swept. @throws Unreachable, Inconclusive */
async function swept(target: Target, folder: string): Promise<SweepResult> {
  await new Runner(target).requireReachable();
  return sweep(target, folder).catch((error: unknown) => {
    throw error instanceof Mismatch ? new Inconclusive(error.message) : error;
  });
}

/** Finishes what killed runs left behind. */
export async function sweepCommand(options: Options, { stdout, env }: Terminal): Promise<number> {
  const target = await targetOf(options, env);
  const result = await swept(target, options.out).finally(() => target.close?.());
  const { deleted, failed, skipped, unreadable } = result;
  if (options.json) {
    stdout.write(asJson(result));
    return failed.length > 0 ? EXIT.leaked : EXIT.conformant;
  }
  stdout.write(`${deleted.length} deleted, ${failed.length} could not be deleted\n`);
  for (const id of failed) stdout.write(`  left: ${oneLine(id)}\n`);
  for (const name of skipped) stdout.write(`  skipped, belongs to another target: ${oneLine(name)}\n`);
  for (const line of unreadable) stdout.write(`  ${oneLine(line)}\n`);
  return failed.length > 0 ? EXIT.leaked : EXIT.conformant;
}

function asJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function listOf(selection: Selection) {
  return select(selection).map(({ id, title, scope, twoAccounts, checks }) => ({
    id,
    title,
    scope,
    two_accounts: twoAccounts,
    checks: Object.entries(checks).map(([name, rule]) => {
      const { level, evidence, text } = RULES[rule];
      return { id: `${id}/${name}`, rule, level, evidence, text };
    }),
  }));
}

/** Every case with its checks and the rules they judge. */
function listText(selection: Selection): string {
  const cases = select(selection).flatMap(({ id, title, scope, twoAccounts, checks }) => {
    const asks = [scope === 'account' && 'an account to itself', twoAccounts && 'a second account'].filter(Boolean);
    const head = `${id}  ${title}${asks.length > 0 ? ` (needs ${asks.join(' and ')})` : ''}`;
    return [head, ...Object.entries(checks).map(([name, rule]) => `  ${name}  ${ruleText(rule)}`), ''];
  });
  return `${cases.join('\n')}\n`;
}

function ruleText(rule: RuleId): string {
  const { level, evidence, text } = RULES[rule];
  return `${rule} [${level}, ${evidence}] ${text}`;
}

/** @param spending where the price is from */
function planText(
  plan: Plan,
  { currency, priceSource }: { currency: string; priceSource: string },
  target: string,
): string {
  const { cases, checks, requests, promptTokens, completionTokens, money } = plan;
  return [
    `Plan for ${target}: ${cases} cases, ${checks} checks`,
    `  requests at most     ${requests.toLocaleString('en')}`,
    `  prompt tokens        ${promptTokens.toLocaleString('en')}`,
    `  completion tokens    ${completionTokens.toLocaleString('en')}`,
    `  money at most        ${money.toFixed(4)} ${currency}, as if nothing were cached`,
    `  prices               ${priceSource}`,
    '',
  ].join('\n');
}

function capabilitiesText(capabilities: Capabilities): string {
  const rows = Object.entries(capabilities).map(
    ([name, { declared, probed, status }]) => `  ${name.padEnd(24)}${declared.padEnd(10)}${probed.padEnd(11)}${status}`,
  );
  return [`  ${'capability'.padEnd(24)}${'declared'.padEnd(10)}${'probed'.padEnd(11)}status`, ...rows, ''].join('\n');
}

/** The forms, besides the terminal's, that a comparison can be written in. */
const FILES: Partial<Record<string, { name: string; render: (diff: ReportDiff) => string }>> = {
  json: { name: 'diff.json', render: diffToJson },
  markdown: { name: 'diff.md', render: renderDiffMarkdown },
};

/** Compares two reports rule by rule. A difference is not a failure. */
export async function diffCommand(
  { operands, reports, out, json }: Options,
  { stdout, stderr, env }: Terminal,
): Promise<number> {
  const [left = '', right = ''] = operands;
  const diff = diffReports(readReportFile(left), readReportFile(right));
  stdout.write(json ? diffToJson(diff) : renderDiffTerminal(diff, viewOf(stdout, env)));
  const files = reports.flatMap((kind) => FILES[kind] ?? []).map(({ name, render }) => [name, render(diff)]);
  for (const path of writeFiles(out, Object.fromEntries(files))) stderr.write(`written: ${path}\n`);
  return EXIT.conformant;
}

/** @throws ReportError that names the file */
function readReportFile(file: string): Report {
  try {
    return readReport(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ReportError(`${file}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Sees before a run that its files can be written after it. @throws UsageError */
export function prepareFolder(out: string): void {
  try {
    mkdirSync(out, { recursive: true });
    accessSync(out, constants.W_OK);
  } catch (error) {
    throw new UsageError(`--out ${out}: ${error instanceof Error ? error.message : error}`);
  }
}
