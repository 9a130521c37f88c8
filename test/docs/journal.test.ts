import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { runDoctorCommand } from '../../emulator/cli/doctor.ts';
import { RULES } from '../../emulator/doctor/diagnose.ts';
import { hintOf } from '../hints/hinted.ts';
import { startEmulator } from '../support/emulator.ts';
import { called, createSession, result, sized, startSession } from '../support/session.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const JOURNAL = readFileSync(`${ROOT}docs/journal.md`, 'utf8');
const DOCTOR = readFileSync(`${ROOT}docs/doctor.md`, 'utf8');
const block = (page: string, language: string) =>
  new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '';
const execute = promisify(execFile);

it('the example of docs/journal.md runs', async () => {
  const file = `${ROOT}test/docs/journal-example.${process.pid}.mts`;
  onTestFinished(() => rmSync(file));
  writeFileSync(file, block(JOURNAL, 'ts'));
  const { stdout } = await execute(process.execPath, ['--import', 'tsx', file], { cwd: ROOT });
  expect(stdout.split('\n')).toEqual([
    'preserve_len is missing; the body has preserve_length instead: call it preserve_len',
    '1 createSession 201',
    '2 truncateSession 400',
    'false',
    '',
  ]);
});

it('the hint in docs/journal.md is one that the emulator sends', async () => {
  const session = await startSession('in process', { limits: { min_preserve_tokens: 64 } });
  await session.append(called('functions.look:0'));
  await session.append(result('functions.look:0'));
  await session.append(sized(100));
  await session.truncate(100);
  expect(JOURNAL).toContain(`Kimi-Emulator-Hint: ${hintOf(await session.append(result('functions.look:0')))}\n`);
});

it('the commands of docs/journal.md and docs/doctor.md work', async () => {
  const api = await startEmulator('over HTTP');
  await createSession(api);
  const origin = new URL(api.emulator.baseURL).origin;
  const file = `${ROOT}test/docs/journal.${process.pid}.json`;
  onTestFinished(() => rmSync(file, { force: true }));
  const script = block(JOURNAL, 'sh').replaceAll('journal.json', file);
  await execute('sh', ['-ec', script], { env: { ...process.env, EMULATOR: origin } });
  expect(api.emulator.journal.entries()).toEqual([]);
  for (const line of block(DOCTOR, 'sh').trim().split('\n')) {
    const args = line
      .replace('npx kimi-emulator doctor ', '')
      .replace('$EMULATOR', origin)
      .replace('journal.json', file);
    let said = '';
    const io = {
      stdout: { write: (text: string) => (said += text) },
      stderr: { write: (text: string) => (said += text) },
      env: {},
    };
    expect(await runDoctorCommand(args.split(' '), io), said).toBe(0);
    expect(said).toContain(args.includes('--json') ? '"requests": 1' : 'kimi-emulator doctor: 0 requests');
  }
});

it('docs/doctor.md lists every rule, and no other', () => {
  const named = [...DOCTOR.matchAll(/^\| `([\w-]+)`( \(sessions\))? \|/gm)].map(([, rule, mark]) => ({
    rule,
    mark: mark !== undefined,
  }));
  expect(named).toEqual(RULES.map(({ name, target }) => ({ rule: name, mark: target === 'sessions' })));
});
