/** The source of time. Everything that expires asks here, so that tests can move time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: Date.now };

/**
 * The time of a seeded emulator, which stands still: 2026-11-30T00:00:00Z, the day of the newest facts that the profiles hold,
 * so that its models, prices and retirements are today's.
 */
export const SEEDED_START_MS = Date.UTC(2026, 10, 30);

/** A clock that does not run by itself. */
export function stillClock(ms: number): Clock {
  return { now: () => ms };
}

/** The latest time that a `Date` can hold. */
const MAX_MS = 8_640_000_000_000_000;

/** Another clock's time, moved forward. */
export class MovableClock implements Clock {
  readonly #base: Clock;
  #movedMs = 0;
  #baselineMs = 0;

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.#movedMs;
  }

  /** Whether it runs by itself, as the client's clock does. */
  get isSystem(): boolean {
    return this.#base === systemClock;
  }

  /**
   * Lets `ms` milliseconds pass at once: whatever expires within them has expired.
   * @returns the new time
   * @throws RangeError if it is negative, not a number, or leads beyond the year 275760
   */
  advance(ms: number): number {
    if (!(Number.isFinite(ms) && ms >= 0 && this.now() + ms <= MAX_MS)) {
      throw new RangeError(`the clock is moved forward by a number of milliseconds, not by ${ms}`);
    }
    this.#movedMs += ms;
    return this.now();
  }

  /** Moves forward to an instant; does nothing if that has passed. */
  reach(instantMs: number): void {
    const ms = instantMs - this.now();
    if (ms > 0) this.advance(ms);
  }

  /** Makes the present offset the one that `reset` returns to. */
  saveBaseline(): void {
    this.#baselineMs = this.#movedMs;
  }

  /** Undoes every move since `saveBaseline`. */
  reset(): void {
    this.#movedMs = this.#baselineMs;
  }
}

export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1_000);
}
