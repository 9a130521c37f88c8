import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { makeProject } from './project.ts';

const run = promisify(execFile);
/** The runner's own limit is for whoever waits at a terminal; here another process may have the machine. */
const PATIENT = '--testTimeout=600000';

const FAILING = `
import { expect } from 'vitest';
import { test } from 'kimi-emulator/vitest';
test('fails', async ({ client }) => {
  const { id } = await client.sessions.create({ title: 'the one that failed' });
  expect(id).toBe('another');
});
test('passes', async ({ client }) => {
  await client.sessions.create({ title: 'the one that passed' });
});
test('waits for a fault', ({ emulator }) => {
  emulator.faults.add({ operation: 'listModels', effect: 'hang' });
});
`;
const APART = (name: string) => `
import { expect } from 'vitest';
import { test } from 'kimi-emulator/vitest';
for (let count = 0; count < 5; count += 1) {
  test('${name} ' + count, async ({ client }) => {
    const { id } = await client.sessions.create({});
    const all = [];
    for await (const session of client.sessions.list()) all.push(session.id);
    expect(all).toEqual([id]);
  });
}
`;

const project = makeProject({ 'failing.test.ts': FAILING, 'one.test.ts': APART('one'), 'two.test.ts': APART('two') });
afterAll(() => project.remove());

/** Run once, for all that look at it. */
let printed: Promise<string> | undefined;
function runVitest(): Promise<string> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', '--no-color', PATIENT];
  printed ??= run(process.execPath, args, { cwd: project.folder, env: project.env }).then(
    () => expect.fail('a test that fails has to fail the run'),
    ({ stdout, stderr }) => stdout + stderr,
  );
  return printed;
}

it('a test that fails prints the journal of its requests, and only its own', async () => {
  const text = await runVitest();
  expect(text).toContain('POST /v1/sessions');
  expect(text).toContain('the one that failed');
  expect(text).not.toContain('the one that passed');
  expect(text).toMatch(/failing\.test\.ts \(3 tests \| 2 failed\)/);
});

it('a test that fails says how to look at the state that it has left', async () => {
  const text = await runVitest();
  const [, path = ''] = /npx kimi-emulator inspect (\S+\.json) --open/.exec(text) ?? [];
  expect(readFileSync(path, 'utf8')).toContain('the one that failed');
  rmSync(dirname(path), { recursive: true });
  expect(text.match(/kimi-emulator inspect/g)).toHaveLength(1);
});

it('fails a test whose fault was added and never used', async () => {
  expect(await runVitest()).toMatch(/unused faults.*listModels/);
});

it('tests and files that run side by side have emulators of their own', async () => {
  const text = await runVitest();
  for (const name of ['one', 'two']) expect(text).toMatch(new RegExp(`✓ ${name}\\.test\\.ts \\(5 tests\\)`));
  expect(text).toMatch(/2 failed \| 11 passed/);
});
