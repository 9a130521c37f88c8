import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

// Loaded ahead of a server (`node --import`). On SIGUSR2 it writes what it has seen since the last time to the file that
// KIMI_WATCH_FILE names, and begins anew.

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let last = processorMs();
let heldMs = 0;
let residentMiB = 0;
let ticks = 0;

function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function tick() {
  const now = processorMs();
  heldMs = Math.max(heldMs, now - last);
  last = now;
  ticks += 1;
  if (ticks % 16 === 0) residentMiB = Math.max(residentMiB, process.memoryUsage.rss() / 2 ** 20);
  setImmediate(tick).unref();
}
setImmediate(tick).unref();
setInterval(() => (residentMiB = Math.max(residentMiB, process.memoryUsage.rss() / 2 ** 20)), 5).unref();

process.on('SIGUSR2', () => {
  const seen = { heldMs, delayMs: delay.max / 1e6, residentMiB, nowMiB: process.memoryUsage.rss() / 2 ** 20 };
  writeFileSync(process.env.KIMI_WATCH_FILE, JSON.stringify(seen));
  heldMs = 0;
  residentMiB = 0;
  delay.reset();
});
