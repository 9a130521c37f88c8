import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { inTurn } from '../support/in-turn.ts';
import { makeProject, ROOT } from '../testing/project.ts';

const itInTurn = inTurn(2);

const run = promisify(execFile);
const page = readFileSync(`${ROOT}docs/python.md`, 'utf8');
const blocks = [...page.matchAll(/```python\n# (\w+\.py)\n([\s\S]*?)```/g)];
const files = Object.fromEntries(blocks.map(([, name = '', code = '']) => [name, code]));
const { folder, env, remove } = makeProject(files);
afterAll(remove);

beforeAll(() => {
  const installed = join(folder, 'node_modules/kimi-emulator');
  cpSync(join(ROOT, 'examples'), join(installed, 'examples'), { recursive: true });
  // As npm does it.
  const bin = join(installed, manifest.bin['kimi-emulator']);
  chmodSync(bin, 0o755);
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(bin, join(folder, 'node_modules/.bin/kimi-emulator'));
});

async function hasModules(...names: string[]): Promise<boolean> {
  const imports = names.map((name) => `import ${name}`).join('\n');
  const found = await run('python3', ['-c', imports], { env }).then(
    () => true,
    () => false,
  );
  if (!found) console.warn(`SKIPPED: docs/python.md needs python3 with ${names.join(' and ')}`);
  return found;
}

const [hasPython, hasSdk, hasPytest] = await Promise.all([
  hasModules('json'),
  hasModules('openai'),
  hasModules('openai', 'pytest'),
]);

/** A command as the page has it, in the project. */
const sh = (command: string) => run('sh', ['-ec', command], { cwd: folder, env });

it('names its files, and a fixture of at most twenty lines', () => {
  expect(Object.keys(files)).toEqual(['app.py', 'conftest.py', 'test_agent.py']);
  expect(files['conftest.py']?.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
});

describe.skipIf(!hasPython)("with Python's standard library", () => {
  itInTurn('exec runs the examples of the package, with the address of an emulator', async () => {
    const example = 'node_modules/kimi-emulator/examples/quickstart.py';
    expect((await sh(`npx kimi-emulator exec --quiet -- python3 -S -E ${example}`)).stdout).toBe('7\n');
    const loop = 'node_modules/kimi-emulator/examples/rolling_snapshot.py --trigger 9000 --crossings 1';
    const { stdout } = await sh(`npx kimi-emulator exec --quiet -- python3 -S -E ${loop}`);
    expect(stdout).toMatch(/^rounds +\d+, 1 snapshots$/m);
  });

  itInTurn('the command of the fixture tells the environment, and ends with its pipe', async () => {
    const [, tell = ''] = /^TELL = "(.*)"$/m.exec(files['conftest.py'] ?? '') ?? [];
    const command = `npx kimi-emulator exec --quiet -- python3 -S -E -c '${tell}' </dev/null`;
    const told = JSON.parse((await sh(command)).stdout) as Record<string, string>;
    for (const name of ['KIMI', 'OPENAI']) {
      expect(told[`${name}_BASE_URL`]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
      expect(told[`${name}_API_KEY`]).toMatch(/./);
    }
  });
});

it.skipIf(!hasSdk)('the program for the official SDK runs as printed', async () => {
  const { stdout } = await sh('npx kimi-emulator exec --quiet -- python3 app.py');
  expect(stdout).toMatch(/^7, with 3 messages in the session\npreserve_len_too_small [^\n]+\n$/);
});

it.skipIf(!hasSdk)('the Python of the README runs as printed', async () => {
  const [, program = ''] = /```python\n([\s\S]*?)```/.exec(readFileSync(`${ROOT}README.md`, 'utf8')) ?? [];
  writeFileSync(join(folder, 'readme.py'), program);
  expect((await sh('npx kimi-emulator exec --quiet -- python3 readme.py')).stdout).toBe('7\n');
});

it.skipIf(!hasPytest)('the test runs with the fixture, and on the emulator of exec', async () => {
  expect((await sh('python3 -m pytest -q -p no:cacheprovider')).stdout).toMatch(/1 passed/);
  expect((await sh('npx kimi-emulator exec --quiet -- python3 -m pytest -q -p no:cacheprovider')).stdout).toMatch(
    /1 passed/,
  );
});
