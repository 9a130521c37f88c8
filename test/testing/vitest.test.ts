import { execFile } from 'node:child_process';
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

async function vitest(...files: string[]): Promise<string> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', '--no-color', PATIENT, ...files];
  const { stdout, stderr } = await run(process.execPath, args, { cwd: project.folder, env: project.env }).catch(
    (ended) => ended,
  );
  return stdout + stderr;
}

/** Run once, for all that look at it. */
let failed: Promise<string> | undefined;
function failing(): Promise<string> {
  failed ??= vitest('failing.test.ts');
  return failed;
}

it('a test that fails prints the journal of its requests, and only its own', async () => {
  const printed = await failing();
  expect(printed).toContain('POST /v1/sessions');
  expect(printed).toContain('the one that failed');
  expect(printed).not.toContain('the one that passed');
  expect(printed).toMatch(/2 failed \| 1 passed/);
});

it('fails a test whose fault was added and never used', async () => {
  expect(await failing()).toMatch(/unused faults.*listModels/);
});

it('tests and files that run side by side have emulators of their own', async () => {
  expect(await vitest('one.test.ts', 'two.test.ts')).toMatch(/10 passed/);
});
