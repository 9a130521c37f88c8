import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { runConformance } from '../../conformance/index.ts';
import { emulatorTarget, SMALL_LIMITS } from '../../conformance/targets/emulator.ts';
import { slice } from '../support/slice.ts';
import { conformance, temporaryFolder } from './command.ts';
import { contentsOf, type Recorder, startRecorder } from './recorder.ts';

const CLI = fileURLToPath(new URL('../../dist/emulator/cli/main.js', import.meta.url));
const KEYS = ['sk-conformance-a', 'sk-conformance-b'];

const LIMITS = Object.entries(SMALL_LIMITS).flatMap(([name, value]) => ['--limit', `${name}=${value}`]);

async function leftovers(recorder: Recorder): Promise<string[]> {
  return (await Promise.all(KEYS.map((key) => contentsOf(recorder, key)))).flat();
}

/** Whatever creates something, a part of it at each commit. */
const CREATING = slice(['sessions', 'snapshots', 'rollback', 'forks', 'shares', 'compress'], 6).join();

it(`a run of ${CREATING} leaves nothing behind, and a second one finds nothing`, async () => {
  const recorder = await startRecorder({ limits: SMALL_LIMITS });
  const out = temporaryFolder();
  for (let run = 0; run < 2; run += 1) {
    const { code } = await conformance([
      '--target',
      recorder.url,
      '--dedicated-account',
      '--case',
      CREATING,
      '--declare',
      'sessions',
      ...LIMITS,
      '--out',
      out,
    ]);
    expect(code).toBe(0);
    expect(await leftovers(recorder)).toEqual([]);
    expect(readdirSync(out)).toEqual([]);
  }
});

it.each([333])('a run that is interrupted at request %i leaves nothing behind', async (at) => {
  const recorder = await startRecorder({ limits: SMALL_LIMITS });
  const out = temporaryFolder();
  let interruptNow: () => void = () => {};
  recorder.onRequest = (count) => {
    if (count === at) interruptNow();
  };
  const { code } = await conformance(['--target', recorder.url, '--profile', 'session', '--out', out], {
    interrupt: (now) => {
      interruptNow = now;
    },
  });
  expect(code).toBe(130);
  expect(await leftovers(recorder)).toEqual([]);
});

it.each([
  ['/v1/sessions', 'truncate.minimum'],
  ['/snapshots', 'snapshots.object'],
])('a run that is interrupted while POST %s is answered leaves nothing behind', async (route, subject) => {
  const recorder = await startRecorder({ limits: SMALL_LIMITS });
  let interruptNow: () => void = () => {};
  recorder.onAnswer = async (method, path) => {
    if (method !== 'POST' || !path.endsWith(route)) return;
    interruptNow();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const args = ['--target', recorder.url, '--case', subject, '--out', temporaryFolder()];
  const { code } = await conformance(args, {
    interrupt: (now) => {
      interruptNow = now;
    },
  });
  expect(code).toBe(130);
  expect(await leftovers(recorder)).toEqual([]);
});

it('a run that loses the answer to a creation keeps its record of created resources, so that a sweep finds what there is', async () => {
  const recorder = await startRecorder({ limits: SMALL_LIMITS });
  const out = temporaryFolder();
  let created = 0;
  recorder.onAnswer = (method, path) => {
    if (method !== 'POST' || path !== '/v1/sessions') return;
    created += 1;
    // The first is the kit's own, to read the limits.
    if (created === 2) throw new Error('lost');
  };
  await conformance(['--target', recorder.url, '--case', 'truncate.minimum', '--timeout', '1', '--out', out]);
  recorder.onAnswer = () => undefined;
  expect(readdirSync(out)).toHaveLength(1);
  const { code } = await conformance(['sweep', '--target', recorder.url, '--out', out]);
  expect(code).toBe(0);
  expect(await leftovers(recorder)).toEqual([]);
  expect(readdirSync(out)).toEqual([]);
});

it('a creation whose answer was lost is reported, and the run is not green', async () => {
  const recorder = await startRecorder({ limits: SMALL_LIMITS });
  const out = temporaryFolder();
  let lost = false;
  recorder.onAnswer = (method, path) => {
    if (method !== 'POST' || path !== '/v1/sessions' || lost) return;
    lost = true;
    throw new Error('lost');
  };
  const args = ['--target', recorder.url, '--declare', 'sessions', '--case', 'truncate.minimum', ...LIMITS];
  const { code, stdout } = await conformance([...args, '--report', 'json', '--out', out]);
  expect(code).toBe(5);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'Possibly left behind: 1 creation whose answer was lost (POST /v1/sessions of account A); `kimi-emulator conformance sweep`',
  );
  const report = JSON.parse(readFileSync(join(out, 'conformance.json'), 'utf8'));
  expect(report).toMatchObject({ leaked: [], lost: [{ request: 'POST /v1/sessions', account: 'A' }] });
  expect(await leftovers(recorder)).toHaveLength(1);
  expect((await conformance(['sweep', '--target', recorder.url, '--out', out])).code).toBe(0);
  expect(await leftovers(recorder)).toEqual([]);
});

it('a request that was never sent is not recorded as a creation', async () => {
  const real = await emulatorTarget();
  onTestFinished(() => real.close?.());
  let created = 0;
  const refusing: typeof fetch = (input, init) => {
    if (init?.method === 'POST' && String(input).endsWith('/sessions')) created += 1;
    return created === 1
      ? Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }))
      : real.fetch(input, init);
  };
  const report = await runConformance({ ...real, fetch: refusing }, { cases: ['truncate.minimum'] });
  expect(report.lost ?? []).toEqual([]);
});

it.each([25, 411])('sweep deletes what a run leaves that is killed at request %i', async (at) => {
  const recorder = await startRecorder({ limits: SMALL_LIMITS });
  const out = temporaryFolder();
  const args = ['conformance', '--target', recorder.url, '--profile', 'session', '--quiet', '--out', out];
  const child = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' });
  recorder.onRequest = (count) => {
    if (count === at) child.kill('SIGKILL');
  };
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
  const { code } = await conformance(['sweep', '--target', recorder.url, '--out', out]);
  expect(code).toBe(0);
  expect(await leftovers(recorder)).toEqual([]);
  expect(readdirSync(out)).toEqual([]);
});

it('sweep skips the record of another target', async () => {
  const recorder = await startRecorder({ limits: SMALL_LIMITS });
  const other = await startRecorder();
  const out = temporaryFolder();
  const args = ['conformance', '--target', recorder.url, '--profile', 'session', '--quiet', '--out', out];
  const child = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' });
  recorder.onRequest = (count) => {
    if (count === 30) child.kill('SIGKILL');
  };
  await once(child, 'exit');
  const { code, stdout } = await conformance(['sweep', '--target', other.url, '--out', out]);
  expect(code).toBe(0);
  expect(stdout).toContain(recorder.url);
  expect(readdirSync(out)).toHaveLength(1);
});
