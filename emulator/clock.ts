/** Where time comes from. Everything that expires asks here, so that time is a thing one can move. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: Date.now };

/** Where a seeded emulator's time begins, and stands still: 2025-09-05T00:00:00Z, the day on which K2-0905 came out. */
export const SEEDED_START_MS = Date.UTC(2025, 8, 5);

/** Time that goes on by itself nowhere. */
export function stillClock(ms: number): Clock {
  return { now: () => ms };
}

/** The last instant that a `Date` can name. */
const MAX_MS = 8_640_000_000_000_000;

/** Another clock's time, moved forward. */
export class MovableClock implements Clock {
  readonly #base: Clock;
  #movedMs = 0;
  #keptMs = 0;

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.#movedMs;
  }

  /** Whether it goes on by itself, as a client's time does. */
  get isSystem(): boolean {
    return this.#base === systemClock;
  }

  /**
   * Lets `ms` milliseconds pass at once: whatever expires within them has expired.
   * @returns the time then
   * @throws RangeError where it is negative, no number, or leads beyond the year 275760
   */
  advance(ms: number): number {
    if (!(Number.isFinite(ms) && ms >= 0 && this.now() + ms <= MAX_MS)) {
      throw new RangeError(`the clock is moved forward by a number of milliseconds, not by ${ms}`);
    }
    this.#movedMs += ms;
    return this.now();
  }

  /** Moves on to an instant; stays where that has passed. */
  reach(instantMs: number): void {
    const ms = instantMs - this.now();
    if (ms > 0) this.advance(ms);
  }

  /** Makes what it is moved by now what `restart` returns to. */
  keep(): void {
    this.#keptMs = this.#movedMs;
  }

  /** Takes back what it was moved by since `keep`. */
  restart(): void {
    this.#movedMs = this.#keptMs;
  }
}

export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1_000);
}
