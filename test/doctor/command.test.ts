import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runDoctorCommand } from '../../emulator/cli/doctor.ts';
import { RULES } from '../../emulator/doctor/diagnose.ts';
import { startEmulator } from '../support/emulator.ts';

async function run(...args: string[]) {
  return runIn({}, ...args);
}

async function runIn(env: Record<string, string>, ...args: string[]) {
  const said = { out: '', err: '' };
  const code = await runDoctorCommand(args, {
    stdout: { write: (text) => (said.out += text) },
    stderr: { write: (text) => (said.err += text) },
    env,
  });
  return { code, ...said };
}

async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kimi-doctor-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'journal.json');
  await writeFile(path, text);
  return path;
}

/** A model that is live. */
const TURN = { model: 'kimi-k3', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100 };

it('doctor reads a running emulator, by its URL with or without /v1', async () => {
  const api = await startEmulator('over HTTP');
  await api.post('/v1/chat/completions', TURN);
  const { code, out, err } = await run(api.emulator.baseURL);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^kimi-emulator doctor: 1 request of http:\/\/127\.0\.0\.1:\d+\/v1$/m);
  expect(out).toMatch(/^The live API is stateless: findings marked "sessions" apply only to/m);
  expect(out).toMatch(/^warning {2}rate-limits: no request was refused with 429/m);
  expect(out).toMatch(/^ok {7}append-size \(sessions\): /m);
  expect(out).toMatch(/^0 errors, 1 warning, \d+ ok$/m);
  expect((await run(new URL(api.emulator.baseURL).origin)).code).toBe(0);
});

it('doctor exits with 1 for an error, with its evidence, as text and as JSON', async () => {
  const api = await startEmulator('over HTTP');
  for (let count = 0; count < 2; count += 1) await api.post('/v1/chat/completions', { ...TURN, n: 0 });
  api.emulator.state.reset();
  const file = await fileOf((await api.get('/_emulator/journal')).text);
  const { code, out } = await run(file);
  expect(code).toBe(1);
  expect(out).toMatch(/^error {4}retried-400: 1 request sent again [\s\S]*?\n {9}seen in #2\n {9}fix: /m);
  expect(out).toMatch(/^kimi-emulator doctor: 2 requests of /);
  for (const line of out.split('\n'))
    if (line.trim().includes(' ') && !line.includes(file)) expect(line.length).toBeLessThanOrEqual(80);
  expect(out).toMatch(/^ +\{"effect":"error","code":"rpm_limit","operation":"createChatCompletion"\};? ?/m);
  expect(out).toMatch(/^1 error, 2 warnings, \d+ ok$/m);
  const json = await run('--json', file);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out)).toMatchObject({
    object: 'emulator.diagnosis',
    version: 1,
    source: file,
    requests: 2,
    errors: 1,
    findings: [
      { rule: 'retried-400', level: 'error', target: 'everywhere', evidence: [2] },
      ...RULES.slice(1).map(() => ({})),
    ],
  });
});

it('doctor and its errors follow KIMI_BASE_URL, and the command line before it', async () => {
  const api = await startEmulator('over HTTP');
  await api.post('/v1/chat/completions', TURN);
  const env = { KIMI_BASE_URL: api.emulator.baseURL };
  expect((await runIn(env)).out).toContain(`1 request of ${api.emulator.baseURL}`);
  const gone = { KIMI_BASE_URL: 'http://127.0.0.1:9/v1' };
  expect(await runIn(gone)).toMatchObject({ code: 3, err: expect.stringMatching(/ \(of KIMI_BASE_URL\)\n$/) });
  expect((await runIn(gone, api.emulator.baseURL)).out).toContain('1 request');
});

it('doctor writes reports for CI, names the files, and annotates on its output', async () => {
  const api = await startEmulator('over HTTP');
  for (let count = 0; count < 2; count += 1) await api.post('/v1/chat/completions', { ...TURN, n: 0 });
  const folder = await mkdtemp(join(tmpdir(), 'kimi-doctor-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const kinds = ['--report', 'junit,github', '--report', 'markdown,json'];
  const { code, out, err } = await run(api.emulator.baseURL, ...kinds, '--out', join(folder, 'made'));
  expect(code).toBe(1);
  expect(out).toMatch(
    /^::error title=kimi-emulator doctor%3A retried-400::1 request sent again.*%0ASeen in #2\.%0AFix: /m,
  );
  expect(out).toMatch(/^::warning title=/m);
  const paths = ['doctor.json', 'doctor.md', 'doctor.xml'].map((name) => join(folder, 'made', name));
  expect(err.trim().split('\n').toSorted()).toEqual(paths.map((path) => `written: ${path}`));
  const [json = '', markdown = '', xml = ''] = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  expect(JSON.parse(json)).toMatchObject({ object: 'emulator.diagnosis', errors: 1 });
  expect(markdown).toMatch(/^\| ❌ error \| <code>retried-400<\/code> \| 1 request sent again .*\| #2 \|/m);
  expect(xml).toContain(`tests="${RULES.length}" failures="1"`);
  expect(xml).toMatch(
    /<testcase name="retried-400" classname="doctor.everywhere" [^>]*><failure message="1 request sent/,
  );
  expect(await run(api.emulator.baseURL, '--report', 'junit', '--out', paths[0] ?? '')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^kimi-emulator doctor: --out .*doctor\.json: [^\n]+\n$/),
  });
  expect((await run('--report', 'junt')).err).toContain('not junt; did you mean junit?');
});

it('doctor exits with 2 for an invalid command line, and prints help', async () => {
  expect(await run('one', 'two')).toMatchObject({ code: 2, err: expect.stringContaining('one URL or FILE at a time') });
  expect(await run('--unknown')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^kimi-emulator doctor: .*\(see --help\)\n$/),
  });
  expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Exit codes: 0') });
});

it.each([
  [
    'a server that is not there',
    () => Promise.resolve('http://127.0.0.1:9'),
    /cannot read the journal of http:\/\/127\.0\.0\.1:9: /,
  ],
  [
    'another server',
    async () => `${(await startEmulator('over HTTP')).emulator.baseURL.replace('127.0.0.1', '[::1]')}`,
    /cannot read the journal/,
  ],
  ['a file that is not there', () => Promise.resolve('/nowhere/at-all.json'), /cannot read .*: ENOENT/],
  ['a file that is not JSON', () => fileOf('{'), /is not JSON/],
  ['another file', () => fileOf('{"object":"list"}'), /is not a journal of an emulator/],
  [
    'a newer journal',
    () => fileOf('{"object":"emulator.journal","version":2}'),
    /written by a newer kimi-emulator \(journal version 2/,
  ],
  [
    'a damaged journal',
    () => fileOf('{"object":"emulator.journal","version":1,"dropped":0}'),
    /is a damaged journal: configuration/,
  ],
])('doctor exits with 3 for %s', async (_, source, says) => {
  const { code, out, err } = await run(await source());
  expect({ code, out }).toEqual({ code: 3, out: '' });
  expect(err).toMatch(says);
  expect(err.trimEnd()).not.toContain('\n');
});
