import { CASES } from '../areas/cases.ts';
import type { CheckResult } from '../core/result.ts';
import { Runner } from '../core/runner.ts';
import { NOT_REACHED } from '../core/trial.ts';
import { emulatorTarget } from '../targets/emulator.ts';
import { behind, type Mutant } from './mutant.ts';

/** How a mutant fared: the checks that should have seen it and did not, with what they said instead. */
export interface MutantResult {
  mutant: Mutant;
  killed: string[];
  survived: CheckResult[];
}

/** Runs the cases of the checks that a mutant names, on an emulator of its own. @throws Error where it names an unknown check */
export async function judgeMutant(mutant: Mutant): Promise<MutantResult> {
  const cases = CASES.filter(({ id }) => mutant.killedBy.some((check) => check.startsWith(`${id}/`)));
  const real = await emulatorTarget({ options: mutant.options?.() ?? {} });
  const runner = new Runner(behind(real, mutant.handler?.()));
  try {
    await runner.prepare();
    const results: CheckResult[] = [];
    for (const subject of cases) results.push(...(await runner.runCase(subject)));
    const named = mutant.killedBy.map((check) => {
      const found = results.find(({ id }) => id === check);
      if (!found) throw new Error(`the mutant ${mutant.id} names the unknown check ${check}`);
      return found;
    });
    return {
      mutant,
      killed: named.filter(isSeen).map(({ id }) => id),
      survived: named.filter((result) => !isSeen(result)),
    };
  } finally {
    await real.close?.();
  }
}

/** A check that fails because an earlier one did, or a step between, has not been shown to see anything. */
function isSeen({ verdict, message = '' }: CheckResult): boolean {
  return verdict === 'fail' && !message.startsWith(NOT_REACHED);
}
