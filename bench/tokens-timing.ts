/**
 * Times contenders against each other: all of them in every round, one after the other. Takes the time of the processor, not of
 * the clock, so that whatever else runs on the machine matters little.
 * @returns the best time of each in milliseconds
 */
export function race<Name extends string>(
  contenders: Record<Name, () => unknown>,
  rounds: number,
): Record<Name, number> {
  const names = Object.keys(contenders) as Name[];
  const best = Object.fromEntries(names.map((name) => [name, Number.POSITIVE_INFINITY])) as Record<Name, number>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const start = process.cpuUsage();
      contenders[name]();
      const { user, system } = process.cpuUsage(start);
      best[name] = Math.min(best[name], (user + system) / 1_000);
    }
  }
  return best;
}

/** The least processor time that `work` takes, in milliseconds; nothing else may be under way. */
export async function processorMsOf(work: () => Promise<unknown>, rounds: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

/** Runs `work` and returns its time and the longest time it held the event loop at a stretch, in milliseconds. */
export async function holdOf(work: () => Promise<unknown>): Promise<{ ms: number; held: number }> {
  let held = 0;
  let last = performance.now();
  let watching = true;
  const watch = () => {
    const now = performance.now();
    held = Math.max(held, now - last);
    last = now;
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  await new Promise((resolve) => setImmediate(resolve));
  held = 0;
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  watching = false;
  await new Promise((resolve) => setImmediate(resolve));
  return { ms, held };
}
