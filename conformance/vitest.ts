import { afterAll, beforeAll, describe, it } from 'vitest';
import type { CheckResult } from './core/verdict.ts';
import { type RegisterOptions, registerWith } from './register.ts';
import type { Target } from './targets/target.ts';

export type { Selection } from './core/selection.ts';
export type { CheckResult } from './core/verdict.ts';
export type { RegisterOptions } from './register.ts';
export { emulatorTarget } from './targets/emulator.ts';
export type { Target } from './targets/target.ts';
export { endpointTarget } from './targets/target.ts';

/**
 * Registers every check of the kit as a test of vitest's. What is not offered or not run is skipped, with the reason.
 * @param target what is judged, or what makes it; one that is made is closed at the end
 * @param options profiles and cases, everything where absent, but for `exclude`; `maxSpend`, in USD, for a target that costs money
 * @returns the results so far, by check
 * @throws SelectionError for a name that fits nothing
 */
export function registerConformance(
  target: Target | (() => Target | Promise<Target>),
  options?: RegisterOptions,
): ReadonlyMap<string, CheckResult> {
  return registerWith(
    {
      // The last test looks at what the others have found, in a shuffled run too.
      describe: (name, body) => describe(name, { shuffle: false }, body),
      beforeAll,
      afterAll,
      it: (name, body) => it(name, (context) => body((reason) => context.skip(reason))),
    },
    target,
    options,
  );
}
