import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
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

it('the script of docs/testing.md answers as the page says', async () => {
  const [, script = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const emulator = createEmulator();
  onTestFinished(() => emulator.close());
  await emulator.model.loadText(script, 'rules.yaml');
  const client = new OpenAI({ baseURL: emulator.baseURL, apiKey: 'any', fetch: emulator.fetch, maxRetries: 0 });
  const ask = async (messages: OpenAI.ChatCompletionMessageParam[]) =>
    (await client.chat.completions.create({ model: 'kimi-k2-0905-preview', messages })).choices[0]?.message;
  const task = { role: 'user' as const, content: 'Where is Order 4711? <system-reminder>Be brief.</system-reminder>' };
  const called = await ask([task]);
  expect(called?.tool_calls).toMatchObject([{ function: { name: 'find_order', arguments: '{"id": 4711}' } }]);
  const id = called?.tool_calls?.[0]?.id ?? '';
  const result = { role: 'tool' as const, tool_call_id: id, content: 'sent on 2026-11-30' };
  const done = [task, { role: 'assistant' as const, content: null, tool_calls: called?.tool_calls ?? [] }, result];
  expect((await ask(done))?.content).toBe('It was sent on 2026-11-30.');
  expect((await ask(done))?.content).toBe('{"sent":"2026-11-30"}');
  await expect(ask([{ role: 'user', content: 'bye' }])).rejects.toThrow('max RPM');
  await expect(ask([{ role: 'user', content: 'bye' }])).rejects.toThrow('closest rule "too much"');
  expect(emulator.model.unused()).toEqual(['"greeting" (line 3)']);
});

it('the commands of docs/testing.md for a script over HTTP run', async () => {
  const [, commands = ''] = /```sh\n(curl[\s\S]*?)```/.exec(page) ?? [];
  const emulator = createEmulator();
  onTestFinished(() => emulator.close());
  const { url } = await emulator.listen();
  const { stdout } = await run('bash', ['-ec', commands], { env: { ...env, EMULATOR: url } });
  expect(stdout).toMatch(/"unused":\["1"\]\}\s*\{"object":"script".*\{"deleted":true\}/s);
  expect(await emulator.model.script()).toEqual({ strict: false, rules: [] });
});
