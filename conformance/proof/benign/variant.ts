import type { Handler } from '../proxy.ts';

/** A server that is other than the emulator and just as good. No check may fail on it. */
export interface Variant {
  readonly id: string;
  /** So that one reads "a server where …". */
  readonly differs: string;
  /** A new one for each run, since it may remember things. */
  readonly handler: () => Handler;
}
