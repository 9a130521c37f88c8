/** Where time comes from. Everything that expires asks here, so that time is a thing one can move. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: Date.now };

export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1_000);
}
