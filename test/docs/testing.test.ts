import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import { readScript } from '../../emulator/models/scripted/read-script.ts';
import { makeProject, ROOT } from '../testing/project.ts';

const page = readFileSync(`${ROOT}docs/testing.md`, 'utf8');
const run = promisify(execFile);

const files = Object.fromEntries(
  [...page.matchAll(/```(?:ts|js)\n\/\/ ([\w.-]+)[^\n]*\n([\s\S]*?)```/g)].map(([, name = '', code = '']) => [
    name,
    code,
  ]),
);
const { folder, env, remove } = makeProject(files);
afterAll(remove);

it.each([
  [
    'vitest',
    'agent.test.ts',
    ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', '--testTimeout=600000', 'agent.test.ts'],
    /2 passed/,
  ],
  ['node:test', 'agent.node.test.mjs', ['--test', 'agent.node.test.mjs'], /pass 1/],
  [
    'jest',
    'agent.jest.test.mjs',
    ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--testTimeout=600000'],
    /1 passed/,
  ],
  ['msw', 'live-url.node.test.mjs', ['--test', 'live-url.node.test.mjs'], /pass 1/],
])('the example of docs/testing.md for %s runs', async (_, file, args, passed) => {
  expect(Object.keys(files)).toContain(file);
  const { stdout, stderr } = await run(process.execPath, args, { cwd: folder, env });
  expect(stdout + stderr).toMatch(passed);
});

it.each([
  ['vitest', 'taped.test.ts', ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', 'taped.test.ts'], /1 passed/],
  ['msw', 'taped-url.node.test.mjs', ['--test', 'taped-url.node.test.mjs'], /pass 1/],
])('the example of docs/testing.md for a tape with %s records, and then runs without its upstream', async (...row) => {
  const [, file, args, passed] = row;
  expect(Object.keys(files)).toContain(file);
  const upstream = createEmulator();
  onTestFinished(() => upstream.close());
  const { url } = await upstream.listen();
  const live = { KIMI_TAPE: 'record', KIMI_UPSTREAM: `${url}/v1`, KIMI_API_KEY: 'sk-recorded-key-1' };
  const recorded = await run(process.execPath, args, { cwd: folder, env: { ...env, ...live } });
  expect(recorded.stdout + recorded.stderr).toMatch(passed);
  await upstream.close();
  const replayed = await run(process.execPath, args, { cwd: folder, env });
  expect(replayed.stdout + replayed.stderr).toMatch(passed);
  expect(upstream.journal.entries()).toHaveLength(1);
});

it('the script of docs/testing.md is valid', () => {
  const [, script = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  expect(readScript(script, 'rules.yaml')).toMatchObject({ strict: true, rules: { length: 4 } });
});
