import { PROFILES, type Profile } from '../areas/rules.ts';
import { EXIT } from '../core/exit-code.ts';
import { Unreachable } from '../core/preflight.ts';
import { runConformance } from '../core/run.ts';
import type { Report } from '../report/report.ts';
import { emulatorTarget } from '../targets/emulator.ts';
import type { Target } from '../targets/target.ts';
import type { Variant } from './benign.ts';
import { behind } from './mutant.ts';
import type { NullTarget } from './nulls.ts';

/** How a harmless variant fared: checks that did not hold on it, though it is as good as the emulator. */
export interface BenignResult {
  variant: Variant;
  checks: number;
  blamed: Report['results'];
}

export async function judgeBenign(variant: Variant): Promise<BenignResult> {
  return withEmulator(async (real) => {
    const { results } = await runConformance(behind(real, variant.handler()));
    const blamed = results.filter(({ verdict }) => verdict === 'fail' || verdict === 'error' || verdict === 'warn');
    return { variant, checks: results.length, blamed };
  });
}

/** How a server that is none fared: what a run under each profile ended with. */
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
