import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startEmulator } from '../support/emulator.ts';
import { run } from './server-process.ts';

const CLI = fileURLToPath(new URL('../../dist/emulator/cli/main.js', import.meta.url));
const shell = promisify(execFile);

it.each([
  ['--help', 0],
  ['models --all', 0],
  ['models --json', 0],
  ['doctor "$ORIGIN" --json', 1],
  ['spend "$ORIGIN"', 0],
  ['conformance list', 0],
  ['conformance --help', 0],
])('kimi-emulator %s ends quietly, with its own code, when its reader has gone', async (words, code) => {
  const api = await startEmulator('over HTTP');
  for (let sent = 0; sent < 2; sent += 1) await api.post('/v1/chat/completions', { model: 'kimi-k3', messages: [] });
  const script = `"$NODE" "$CLI" ${words} | true; echo "\${PIPESTATUS[0]}"`;
  const env = { ...process.env, NODE: process.execPath, CLI, ORIGIN: new URL(api.emulator.baseURL).origin };
  const { stdout, stderr } = await shell('bash', ['-c', script], { env });
  expect({ stdout, stderr }).toEqual({ stdout: `${code}\n`, stderr: '' });
});

it('a server whose reader has gone closes, as on a signal', async () => {
  const child = spawn(process.execPath, [CLI, '--memory', '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  child.stdout.destroy();
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(said).toBe('');
});

it.each([
  [['doctr'], "unknown command 'doctr'; did you mean doctor?"],
  [['spent'], "unknown command 'spent'; did you mean spend?"],
  [['--memory', 'doctor'], "unexpected argument 'doctor'"],
  [['conformance', 'plam'], 'command is one of run, plan, list, probe, diff, sweep, not plam; did you mean plan?'],
  [['conformance', '--exclud', 'x'], "unknown flag '--exclud'; did you mean --exclude?"],
  [['spend', '--markdwn'], "unknown flag '--markdwn'; did you mean --markdown?"],
  [['tokenizer', '--cuont', 'x'], "unknown flag '--cuont'; did you mean --count?"],
  [['gateway', '--upstraem', 'x'], "unknown flag '--upstraem'; did you mean --upstream?"],
])('%j is refused in one line that names what was meant', async (args, told) => {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(told);
  expect(stderr.trim()).not.toContain('\n');
});
