import type { Target } from '../targets/target.ts';
import { type Handler, proxy } from './proxy.ts';

/** A server that is broken in one way, and the checks that must see it. */
export interface Mutant {
  /** Permanent, e.g. `truncate.minimum-ignored`. */
  readonly id: string;
  readonly area: string;
  /** What is broken, so that one reads "broken so that …". */
  readonly broken: string;
  /** Checks that must say `fail`: `case/name`. */
  readonly killedBy: readonly [string, ...string[]];
  /** Stands between the kit and an unmodified emulator. A new one for each run, since it may remember things. */
  readonly handler?: () => Handler;
  /** Options of the emulator: an injected counter, clock, id source or model. */
  readonly options?: () => Record<string, unknown>;
}

/** The same target, seen through a handler. */
export function behind(target: Target, handler: Handler | undefined): Target {
  return handler ? { ...target, fetch: proxy(target.fetch, handler) } : target;
}
