import type { Limits } from '../../contract/limits.ts';
import { SMALL_LIMITS } from '../targets/emulator.ts';
import type { Target } from '../targets/target.ts';
import { chain, type Handler, proxy } from './proxy.ts';
import { claimsLimits } from './sessions.ts';

/** A server that is broken in one way, and the checks that must see it. */
export interface Mutant {
  /** Permanent, e.g. `lists.limit-ignored`. */
  readonly id: string;
  readonly area: string;
  /** What is broken, so that one reads "broken so that …". */
  readonly broken: string;
  /** Checks that must say `fail`: `case/name`. */
  readonly caughtBy: readonly string[];
  /** Stands between the kit and the emulator. A new one for each run, since it may have state. */
  readonly proxy?: () => Handler;
  /** Options of the emulator. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/**
 * Declares the mutants of one area: what is broken, who must see it, and how the server is broken.
 * @example
 * const mutant = mutantsOf('lists');
 * mutant('limit-ignored', '`limit` is ignored').caughtBy('lists.sessions/limit').proxy(queries(({ limit, ...rest }) => rest));
 */
export function mutantsOf(area: string) {
  return (name: string, broken: string) => ({
    caughtBy(...caughtBy: string[]) {
      const mutant = { id: `${area}.${name}`, area, broken, caughtBy };
      return {
        /** Requests or answers are rewritten on their way. */
        proxy: (proxy: () => Handler): Mutant => ({ ...mutant, proxy }),
        /** The emulator has other options, with or without a proxy before it. */
        emulator: (options: Record<string, unknown>, proxy?: () => Handler): Mutant => ({
          ...mutant,
          options,
          ...(proxy && { proxy }),
        }),
        /** The emulator has other limits than it says. */
        limits: (real: Partial<Limits>, proxy?: () => Handler): Mutant => ({
          ...mutant,
          options: { limits: { ...SMALL_LIMITS, ...real } },
          proxy: () => (proxy ? chain(claimsSmallLimits(real), proxy()) : claimsSmallLimits(real)),
        }),
      };
    },
  });
}

/** States the limits of the kit's emulator in place of the real ones. */
function claimsSmallLimits(real: Partial<Limits>): Handler {
  const names = Object.keys(real) as (keyof Limits & keyof typeof SMALL_LIMITS)[];
  return claimsLimits(Object.fromEntries(names.map((name) => [name, SMALL_LIMITS[name]])), real);
}

/** The same target, seen through a proxy. */
export function behind(target: Target, handler: Handler | undefined): Target {
  return handler ? { ...target, fetch: proxy(target.fetch, handler) } : target;
}
