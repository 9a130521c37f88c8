import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Report } from '../../conformance/report/report.ts';
import { conformance, temporaryFolder } from './command.ts';

it.each([
  [['list', '--case', 'models'], (value: unknown) => expect(JSON.stringify(value)).toContain('"id":"models.')],
  [
    ['plan', '--case', 'models'],
    (value: unknown) =>
      expect(value).toMatchObject({ target: 'emulator', cases: expect.any(Number), spending: { cap: null } }),
  ],
  [['probe'], (value: unknown) => expect(value).toMatchObject({ sessions: { status: 'offered' } })],
  [['sweep'], (value: unknown) => expect(value).toMatchObject({ deleted: [], failed: [] })],
  [['--case', 'models', '--quiet'], (value: unknown) => expect(Report.parse(value).exitCode).toBe(0)],
])('conformance %j prints JSON with --json, and nothing else', async (args, isRight) => {
  const { code, stdout } = await conformance([...args, '--json', '--out', temporaryFolder()]);
  expect(code).toBe(0);
  isRight(JSON.parse(stdout));
});

it('conformance names the files that it writes, and gives each test of JUnit its time', async () => {
  const out = temporaryFolder();
  const { code, stderr } = await conformance([
    '--case',
    'models,truncate.minimum',
    '--quiet',
    '--report',
    'junit,json',
    '--out',
    out,
  ]);
  expect(code).toBe(0);
  const [xml, json] = [join(out, 'conformance.xml'), join(out, 'conformance.json')];
  expect(stderr.split('\n').filter((line) => line.startsWith('written: '))).toEqual([
    `written: ${xml}`,
    `written: ${json}`,
  ]);
  const text = readFileSync(xml, 'utf8');
  const [whole = 0, ...times] = [...text.matchAll(/ time="([\d.]+)"/g)].map(([, time]) => Number(time));
  const sum = times.reduce((total, time) => total + time, 0);
  expect(times.filter((time) => time > 0).length).toBeGreaterThan(times.length / 3);
  expect(sum).toBeLessThanOrEqual(whole + 0.001 * times.length);
  const { results } = Report.parse(JSON.parse(readFileSync(json, 'utf8')));
  expect(results.every(({ durationMs }) => durationMs !== undefined)).toBe(true);
});

it('conformance says how a missing list of known failures is written', async () => {
  const file = join(temporaryFolder(), 'none.json');
  expect(await conformance(['--case', 'models', '--baseline', file])).toMatchObject({
    code: 2,
    stderr: `kimi-emulator conformance: --baseline ${file} does not exist; a first run with --update writes it\n`,
  });
});
