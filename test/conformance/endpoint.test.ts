import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Report } from '../../conformance/report/report.ts';
import { SMALL_LIMITS } from '../../conformance/targets/emulator.ts';
import { createEmulator, type EmulatorOptions } from '../../emulator/index.ts';
import { conformance, temporaryFolder } from './command.ts';

async function served(options: EmulatorOptions = {}): Promise<string> {
  const emulator = createEmulator(options);
  onTestFinished(() => emulator.close());
  await emulator.listen();
  return emulator.baseURL;
}

async function judged(args: string[], env: Record<string, string> = {}): Promise<Report> {
  const out = temporaryFolder();
  const ended = await conformance([...args, '--report', 'json', '--out', out, '--quiet'], { env });
  const report = Report.parse(JSON.parse(readFileSync(join(out, 'conformance.json'), 'utf8')));
  expect(report.exitCode).toBe(ended.code);
  return report;
}

const bad = ({ results }: Report) => results.filter(({ verdict }) => verdict === 'fail' || verdict === 'error');

it('a server may accept any key, but one with known keys must reject others', async () => {
  const args = ['--declare', 'sessions', '--case', 'errors.keys'];
  const anyone = await judged(['--target', await served(), ...args]);
  expect(bad(anyone)).toEqual([]);
  const known = await judged(['--target', await served({ apiKeys: ['sk-own'] }), ...args], { KIMI_API_KEY: 'sk-own' });
  expect(bad(known)).toEqual([]);
  const careless = await judged(['--target', await served(), ...args], { KIMI_API_KEY: 'sk-own' });
  expect(bad(careless).map(({ id }) => id)).toContain('errors.keys/unknown-refused');
  for (const { message } of bad(careless)) expect(message).toContain('is judged without KIMI_API_KEY');
});

it('a server with undeclared sessions is told how it is scored', async () => {
  const args = ['--target', await served(), '--case', 'truncate.minimum', '--out', temporaryFolder()];
  const ended = await conformance(args);
  expect(ended.code).toBe(3);
  expect(ended.stdout).toContain('--declare sessions');
  expect((await conformance([...args, '--declare', 'sessions'])).stdout).not.toContain('--declare sessions');
});

it('limits that differ from the contract are declared with --limit', async () => {
  const args = [
    '--target',
    await served({ limits: SMALL_LIMITS }),
    '--declare',
    'sessions',
    '--case',
    'sessions.limits',
  ];
  expect(bad(await judged(args))).not.toEqual([]);
  const limits = Object.entries(SMALL_LIMITS).flatMap(([name, value]) => ['--limit', `${name}=${value}`]);
  expect(bad(await judged([...args, ...limits]))).toEqual([]);
});

it('capabilities declared as missing are not scored', async () => {
  const { results } = await judged(['--case', 'truncate.minimum', '--declare', 'sessions=no']);
  expect(results.map(({ verdict }) => verdict)).not.toContain('pass');
});
