import type { Limits } from '../../contract/limits.ts';
import { SMALL_LIMITS } from '../targets/emulator.ts';
import type { Target } from '../targets/target.ts';
import { ROUTE_WAYS } from './cells.ts';
import { CHAT_WAYS } from './chats.ts';
import { onCrossAccount } from './other-account.ts';
import { chain, editJsonResponse, editResponse, type Handler, on, proxy } from './proxy.ts';
import { claimsLimits, SESSION_WAYS } from './sessions.ts';

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

/** Ways to break a server, by name. Each makes a new handler, since handlers may have state. */
type Ways = Readonly<Record<string, (...args: never[]) => Handler>>;

/** Ways that every area knows. */
const WAYS = { ...CHAT_WAYS, ...ROUTE_WAYS, ...SESSION_WAYS, onCrossAccount, on, editResponse, editJsonResponse };

type Broken<Known extends Ways> = { readonly [Name in keyof Known]: (...how: Parameters<Known[Name]>) => Mutant };

/**
 * Declares the mutants of one area: what is broken, who must see it, and how the server is broken, in the ways of every area
 * and in the area's `own`.
 * @example
 * const mutant = mutantsOf('lists', { queries });
 * mutant('limit-ignored', '`limit` is ignored').caughtBy('lists.sessions/limit').queries(({ limit, ...rest }) => rest);
 */
export function mutantsOf<Own extends Ways = Record<never, never>>(area: string, own?: Own) {
  return (name: string, broken: string) => ({
    /** @param checks by their ids; after `case/check` other checks of the same case may follow, with spaces between */
    caughtBy(...checks: string[]) {
      const mutant = { id: `${area}.${name}`, area, broken, caughtBy: checks.flatMap(eachCheck) };
      const ways = Object.entries({ ...WAYS, ...own }).map(([way, make]) => [
        way,
        (...how: never[]): Mutant => ({ ...mutant, proxy: () => (make as Ways[string])(...how) }),
      ]);
      return {
        ...(Object.fromEntries(ways) as Broken<typeof WAYS & Own>),
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

function eachCheck(checks: string): string[] {
  const [owner, names = ''] = checks.split('/');
  return names.split(' ').map((name) => `${owner}/${name}`);
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
