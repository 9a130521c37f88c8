import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runSpendCommand } from '../../emulator/cli/spend.ts';
import { temporaryFolder } from '../store/files.ts';
import { MODEL } from '../support/emulator.ts';
import { run, ServerProcess } from './server-process.ts';

/** `kimi-emulator spend …` in this process. */
async function spend(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await runSpendCommand(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: {},
  });
  return { code, stdout, stderr };
}

async function ask(url: string, content: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { Authorization: 'Bearer sk-test', 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: MODEL, max_tokens: 16, messages: [{ role: 'user', content }] }),
  });
  return { status: response.status, text: await response.text() };
}

it('--script answers, --prices and --balance bill, and spend says what it cost', async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'rules.yaml'), '- when: { text: hello }\n  reply: from the file\n');
  const row = {
    model: MODEL,
    currency: 'USD',
    cached_input: 1,
    input: 10,
    output: 100,
    since: '2026-01-01',
    source: 'ours',
  };
  writeFileSync(join(cwd, 'prices.json'), JSON.stringify([row]));
  const flags = ['--memory', '--script', 'rules.yaml', '--prices', 'prices.json', '--balance', '0.001USD'];
  const { ready } = await ServerProcess.listening(flags, { cwd });
  const first = await ask(ready.base_url, 'hello');
  expect(first.text).toContain('from the file');
  const second = await ask(ready.base_url, `hello ${'again '.repeat(40)}`);
  expect(second.status).toBe(200);
  expect((await ask(ready.base_url, 'hello')).text).toContain('exceeded_current_quota_error');
  const spent = await run(['spend', new URL(ready.base_url).origin]);
  expect(spent).toMatchObject({ code: 0, stderr: '' });
  expect(spent.stdout).toMatch(/USD for 2 turns/);
  const { stdout } = await spend(ready.base_url, '--json', '--limit', '1');
  expect(JSON.parse(stdout)).toMatchObject({ total: { turns: 2 } });
});

it('--script is loaded again when its file changes or another takes its place, and a broken one leaves the rules', async () => {
  const cwd = temporaryFolder();
  const path = join(cwd, 'rules.yaml');
  writeFileSync(path, '- reply: one\n');
  const { server, ready } = await ServerProcess.listening(['--memory', '--script', 'rules.yaml'], { cwd });
  const said = async () => (await ask(ready.base_url, 'hi')).text;
  expect(await said()).toContain('"content":"one"');
  writeFileSync(path, '- reply: two\n');
  await expect.poll(said).toContain('"content":"two"');
  writeFileSync(path, '- replay: three\n');
  await expect.poll(() => server.said.stderr).toContain('did you mean reply?');
  expect(await said()).toContain('"content":"two"');
  writeFileSync(join(cwd, 'next.yaml'), '- reply: four\n');
  renameSync(join(cwd, 'next.yaml'), path);
  await expect.poll(said).toContain('"content":"four"');
  rmSync(path);
  await expect.poll(() => server.said.stderr).toContain('cannot be read');
  expect(await said()).toContain('"content":"four"');
  const { stderr, code } = await server.signal('SIGTERM');
  expect(code).toBe(0);
  expect(stderr.trimEnd().split('\n')).toEqual([
    'kimi-emulator: --script: rules.yaml has changed, and its rules begin anew',
    expect.stringMatching(/^kimi-emulator: --script: rules\.yaml, line 1: .*; the rules before it stay$/),
    'kimi-emulator: --script: rules.yaml has changed, and its rules begin anew',
    expect.stringMatching(/^kimi-emulator: --script: rules\.yaml cannot be read: .*; the rules before it stay$/),
  ]);
});

it.each<[string[], RegExp]>([
  [['--script', 'absent.yaml'], /--script: absent\.yaml cannot be read/],
  [['--script', 'wrong.yaml'], /--script: wrong\.yaml.*line 2/],
  [['--prices', 'wrong.yaml'], /--prices: wrong\.yaml/],
])('%j is rejected in one line at the start', async (flags, message) => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'wrong.yaml'), '- reply: fine\n- replay: fine\n');
  const ended = await run(['--port', '0', '--memory', ...flags], { cwd });
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  expect(ended.code).toBe(1);
});

it('kimi-emulator spend reports in one line a missing server and an invalid argument', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  expect(await spend(`http://127.0.0.1:${port}`)).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^.+ECONNREFUSED\n$/),
  });
  expect(await spend('--all')).toMatchObject({ code: 2, stderr: expect.stringContaining('--all') });
  for (const limit of ['0', '1e3', '5000']) {
    expect(await spend('--limit', limit)).toMatchObject({
      code: 2,
      stderr: `kimi-emulator spend: --limit takes a whole number from 1 to 4096, not ${limit} (see --help)\n`,
    });
  }
  expect(await spend('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage') });
});

it('kimi-emulator spend renders for a pull request, and ends with 1 beyond --max-cost', async () => {
  const { ready } = await ServerProcess.listening(['--memory']);
  await ask(ready.base_url, 'hello');
  const env = { KIMI_BASE_URL: ready.base_url };
  const markdown = await run(['spend', '--markdown', '--max-cost', '1USD'], { env });
  expect(markdown).toMatchObject({ code: 0, stderr: '' });
  expect(markdown.stdout).toMatch(
    /^## Kimi spend\n\n\| {2}\| Turns \|[^\n]*\n\| :-- \|[^\n]*\n\| \*\*In total\*\* \| 1 \| \d+ \|/,
  );
  const over = await run(['spend', '--max-cost', '0USD', '--json'], { env });
  expect(over.code).toBe(1);
  const { total } = JSON.parse(over.stdout) as { total: { cost: number } };
  expect(over.stderr).toBe(
    `kimi-emulator spend: the run cost ${total.cost} USD, more than 0.000000 USD of --max-cost\n`,
  );
  for (const [flags, told] of [
    [['--max-cost', 'a lot'], '--max-cost: "a lot" is not an amount'],
    [['--max-cost', '1CNY'], '--max-cost is in CNY, but this run is billed in USD'],
    [['--json', '--markdown'], '--json and --markdown exclude each other'],
  ] as const) {
    const ended = await run(['spend', ...flags], { env });
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(told) });
    expect(ended.stderr.trim()).not.toContain('\n');
  }
});
