import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { FLAGS } from '../../emulator/cli/flags.ts';
import { exported } from '../state/files.ts';
import { startEmulator } from '../support/emulator.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = readFileSync(`${ROOT}docs/state.md`, 'utf8');
const blocks = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code);
const execute = promisify(execFile);

it('the examples of docs/state.md run', async () => {
  const file = `${ROOT}test/docs/state-example.${process.pid}.mts`;
  onTestFinished(() => rmSync(file));
  writeFileSync(file, blocks('ts').join('\n'));
  const { stdout } = await execute(process.execPath, ['--import', 'tsx', file], { cwd: ROOT });
  expect(stdout).toBe('true\n404\ntrue true\n');
});

it('the commands of docs/state.md work', async () => {
  const { api, session } = await exported();
  await api.emulator.listen();
  const other = await startEmulator('over HTTP', { seed: 'other' });
  const root = (url: string) => url.replace(/\/v1$/, '');
  const env = { EMULATOR: root(api.emulator.baseURL), OTHER: root(other.emulator.baseURL), SESSION: session };
  const file = `${ROOT}test/docs/state-report.${process.pid}.json`;
  onTestFinished(() => rmSync(file, { force: true }));
  const said: string[] = [];
  for (const script of blocks('sh')) {
    const commands = script.replaceAll('report.json', file);
    const { stdout } = await execute('sh', ['-ec', commands], { env: { ...process.env, ...env } });
    said.push(stdout);
  }
  expect(JSON.parse(said[0] ?? '')).toEqual({ now: 1_795_996_800 + 3_600 });
  expect(JSON.parse(said[1] ?? '')).toMatchObject({ sessions: [session] });
  expect((await other.get(`/v1/sessions/${session}`, { key: 'sk-mine' })).status).toBe(200);
});

it('the flags in docs/state.md exist', () => {
  for (const [, flag = ''] of PAGE.matchAll(/`--([a-z-]+)/g)) expect(FLAGS).toHaveProperty(flag);
});
