import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runConformance } from '../../conformance/index.ts';
import { Report } from '../../conformance/report/report.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import type { Target } from '../../conformance/targets/target.ts';
import { conformance, temporaryFolder } from './command.ts';
import { serverThat } from './server-that.ts';

/** Two reads with all their repetitions. */
const MOST_UNANSWERED = 8;

const lost = () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } }));

/** The emulator, of whose requests some are lost on the way: `loses` says which, by their number and path. */
async function losing(loses: (number: number, path: string) => boolean): Promise<{ target: Target; paths: string[] }> {
  const real = await emulatorTarget();
  onTestFinished(() => real.close?.());
  const paths: string[] = [];
  const target: Target = {
    ...real,
    fetch: (input, init) => {
      const { pathname } = new URL(String(input));
      paths.push(pathname);
      return loses(paths.length, pathname) ? lost() : real.fetch(input, init);
    },
  };
  return { target, paths };
}

it('a run on a target that answers only models stops soon, in one line, without results', async () => {
  const paths: (string | undefined)[] = [];
  const url = await serverThat(({ url: path }, answer) => {
    paths.push(path);
    if (path === '/v1/models') answer.end('{"object":"list","data":[]}');
  });
  const out = temporaryFolder();
  const args = ['--target', url, '--declare', 'sessions', '--timeout', '0.1', '--report', 'json', '--out', out];
  const { code, stdout } = await conformance(args);
  expect(code).toBe(3);
  expect(paths.length - 1 - paths.lastIndexOf('/v1/models')).toBe(MOST_UNANSWERED);
  const report = Report.parse(JSON.parse(readFileSync(join(out, 'conformance.json'), 'utf8')));
  expect(new Set(report.results.map(({ verdict }) => verdict))).toEqual(new Set(['not_run']));
  const told =
    'The run stopped early; the remaining checks have no result: the target stopped answering: 8 requests in a row';
  expect(stdout.replaceAll(/\s+/g, ' ').split(told)).toHaveLength(2);
});

it('a run on a target that dies stops soon, and reports the results so far', async () => {
  const { target, paths } = await losing((number) => number > 200);
  const { results, exitCode, run } = await runConformance(target);
  expect(paths.length).toBeLessThanOrEqual(200 + MOST_UNANSWERED);
  expect(exitCode).toBe(3);
  expect(run.stopped).toContain('ECONNRESET');
  const verdicts = results.map(({ verdict }) => verdict);
  expect(new Set(verdicts)).toEqual(new Set(['pass', 'error', 'not_run']));
  expect(verdicts.lastIndexOf('pass')).toBeLessThan(verdicts.indexOf('not_run'));
});

it('neither a route without answers nor requests lost together stop a run', async () => {
  const deaf = await losing((_, path) => path.endsWith('/balance'));
  const report = await runConformance(deaf.target, { cases: ['balance', 'models', 'tokens'] });
  expect(report.run.stopped).toBeUndefined();
  expect(report.results.filter(({ verdict }) => verdict === 'not_run')).toEqual([]);

  let races = 0;
  const raced = await losing((_, path) => {
    if (!path.endsWith('/messages')) return false;
    races += 1;
    return races > 1 && races < 20;
  });
  expect((await runConformance(raced.target, { cases: ['append.concurrent'] })).run.stopped).toBeUndefined();
});

it('a stopped run writes no list of known failures', async () => {
  const url = await serverThat(({ url: path }, answer) => {
    if (path === '/v1/models') answer.end('{"object":"list","data":[]}');
  });
  const out = temporaryFolder();
  const file = join(out, 'baseline.json');
  const args = ['--target', url, '--timeout', '0.1', '--out', out, '--baseline', file, '--update'];
  const { code, stderr } = await conformance(args);
  expect(code).toBe(3);
  expect(stderr).toContain('was not written');
});
