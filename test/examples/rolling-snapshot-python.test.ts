import { expect, it } from 'vitest';
import { expectPlayed } from './expect-played.ts';
import { startMetered } from './metered-server.ts';
import { run } from './run.ts';

const TRIGGER = 11_000;

it("plays the loop with Python's standard library alone", async (context) => {
  const python = await run('python3', ['--version']).catch(() => undefined);
  if (!python) {
    console.warn(`SKIPPED: ${context.task.name} needs python3`);
    return context.skip('needs python3');
  }
  const { env, ...server } = await startMetered();
  // -S and -E: no installed packages, no settings of this machine.
  const args = ['-S', '-E', 'examples/rolling_snapshot.py', '--trigger', String(TRIGGER)];
  const played = await run('python3', args, env);
  await expectPlayed(played, { ...server, trigger: TRIGGER, crossings: 2 });
  const bars = played.stdout.split('\n').filter((line) => line.startsWith('['));
  expect(bars.length).toBeGreaterThan(5);
  expect(bars[0]).toMatch(/^\[#*-+\] +[\d,]+ of 11,000 tokens, round 1$/);
  expect(new Set(bars.map((bar) => bar.length)).size).toBeLessThan(4);
  expect(played.stdout).not.toContain('\x1b');

  const refused = await run('python3', ['examples/rolling_snapshot.py', '--trigger', '1'], env);
  expect(refused.status).toBe(2);
  const absent = await run('python3', ['examples/rolling_snapshot.py'], { KIMI_BASE_URL: 'http://127.0.0.1:9/v1' });
  expect(absent.stderr).toMatch(
    /^rolling_snapshot: no server answers at http:\/\/127\.0\.0\.1:9\/v1 \([^\n]+\); npx kimi-emulator starts one\n$/,
  );
  expect(absent.status).toBe(1);
});
