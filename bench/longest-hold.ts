import { setImmediate as nextTick } from 'node:timers/promises';

/** How long the event loop is held at most while `work` runs, in ms of processor time: what else the machine does is not counted. */
export async function longestHold(work: () => Promise<unknown>): Promise<number> {
  let last = processorMs();
  let worst = 0;
  let running = true;
  const tick = (): void => {
    const now = processorMs();
    worst = Math.max(worst, now - last);
    last = now;
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  await work();
  // The last stretch has held the loop up to here, and perhaps all of it was one.
  await nextTick();
  running = false;
  return worst;
}

export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
