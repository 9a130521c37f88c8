import { CASES } from '../areas/cases.ts';
import { PROFILES, type Profile, RULES, type Rule } from '../areas/rules.ts';
import { type Case, NOT_REACHED } from '../core/case.ts';
import { Unreachable } from '../core/probe.ts';
import { runConformance } from '../core/run.ts';
import { Runner } from '../core/runner.ts';
import type { Selection } from '../core/selection.ts';
import { EXIT } from '../core/summary.ts';
import type { CheckResult } from '../core/verdict.ts';
import type { Report } from '../report/report.ts';
import { emulatorTarget } from '../targets/emulator.ts';
import type { Target } from '../targets/target.ts';
import type { Variant } from './benign.ts';
import { behind, type Mutant } from './mutant.ts';
import type { NullTarget } from './nulls.ts';

/** How a mutant fared: the checks that should have seen it and did not, with what they said instead. */
export interface MutantResult {
  mutant: Mutant;
  /** What each of the checks says that it names. */
  results: CheckResult[];
  killed: string[];
  survived: CheckResult[];
}

/**
 * Runs the cases of the checks that a mutant names, on an emulator of its own, or on new accounts of one that many share: most of what
 * a mutant costs is an emulator's first requests.
 * @throws Error where it names an unknown check
 */
export async function judgeMutant(mutant: Mutant, shared?: Target): Promise<MutantResult> {
  const cases = CASES.filter(({ id }) => mutant.caughtBy.some((check) => check.startsWith(`${id}/`)));
  const { options } = mutant;
  const real = shared && !options ? onNewAccounts(shared) : await emulatorTarget({ options: options ?? {} });
  const model = modelOf(cases) ?? real.model;
  const runner = new Runner(behind({ ...real, model }, mutant.proxy?.()));
  try {
    await runner.prepare();
    const results: CheckResult[] = [];
    for (const subject of cases) results.push(...(await runner.runCase(subject)));
    const named = mutant.caughtBy.map((check) => {
      const found = results.find(({ id }) => id === check);
      if (!found) throw new Error(`the mutant ${mutant.id} names the unknown check ${check}`);
      return found;
    });
    return {
      mutant,
      results: named,
      killed: named.filter(isSeen).map(({ id }) => id),
      survived: named.filter((result) => !isSeen(result)),
    };
  } finally {
    await real.close?.();
  }
}

/** The model that these cases are for alone. */
function modelOf(cases: readonly Case[]): string | undefined {
  const models = new Set(
    cases.flatMap(({ checks }) => Object.values(checks).map((rule) => (RULES[rule] as Rule).model)),
  );
  const [model, ...others] = models;
  // Of K2 it is the model of the dialect, which has another name.
  return others.length > 0 || model === 'kimi-k2' ? undefined : model;
}

/** The same target for somebody who holds nothing there. It is closed by who opened it. */
function onNewAccounts({ close: _, ...target }: Target): Target {
  const { newKey } = target;
  return newKey ? { ...target, keys: { a: newKey(), b: newKey() } } : target;
}

/** A check that fails because an earlier one did, or a step between, has not been shown to see anything. */
function isSeen({ verdict, message = '' }: CheckResult): boolean {
  return verdict === 'fail' && !message.startsWith(NOT_REACHED);
}

/** How a harmless variant fared: checks that did not hold on it, though it is as good as the emulator. */
export interface BenignResult {
  variant: Variant;
  checks: number;
  blamed: Report['results'];
}

/** @param selection what of the kit it is judged by; all of it where absent */
export async function judgeBenign(variant: Variant, selection: Selection = {}): Promise<BenignResult> {
  return withEmulator(async (real) => {
    const { results } = await runConformance(behind(real, variant.handler()), selection);
    const blamed = results.filter(({ verdict }) => verdict === 'fail' || verdict === 'error' || verdict === 'warn');
    return { variant, checks: results.length, blamed };
  });
}

/** How a null target fared: the outcome of a run under each profile. */
export interface NullResult {
  subject: NullTarget;
  exitCodes: Record<Profile, number>;
  /** Profiles under which it succeeded and must not have. */
  fooled: Profile[];
}

export async function judgeNull(subject: NullTarget): Promise<NullResult> {
  const codes: [Profile, number][] = [];
  for (const profile of PROFILES) {
    codes.push([profile, await withEmulator((real) => exitCode(subject.wrap(real), profile))]);
  }
  const mayServe = subject.serves ?? [];
  const fooled = codes.filter(([profile, code]) => code === EXIT.conformant && !mayServe.includes(profile));
  return {
    subject,
    exitCodes: Object.fromEntries(codes) as Record<Profile, number>,
    fooled: fooled.map(([profile]) => profile),
  };
}

async function exitCode(target: Target, profile: Profile): Promise<number> {
  try {
    return (await runConformance(target, { profiles: [profile] })).exitCode;
  } catch (error) {
    if (error instanceof Unreachable) return error.exitCode;
    throw error;
  }
}

async function withEmulator<Result>(use: (real: Target) => Promise<Result>): Promise<Result> {
  const real = await emulatorTarget();
  try {
    return await use(real);
  } finally {
    await real.close?.();
  }
}
