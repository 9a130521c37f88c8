import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { readConfig } from '../../emulator/cli/config-file.ts';
import { FLAGS } from '../../emulator/cli/flags.ts';
import { JOURNAL_SHAPE } from '../../emulator/cli/journal.ts';
import { WINDOW_SHAPE } from '../../emulator/cli/windows.ts';
import { ServerProcess } from '../cli/server-process.ts';
import { temporaryFolder } from '../store/files.ts';
import { startEmulator } from '../support/emulator.ts';
import { inTurn } from '../support/in-turn.ts';
import { createSession } from '../support/session.ts';
import { makeProject, ROOT } from '../testing/project.ts';

const itInTurn = inTurn(2);

const PAGE = readFileSync(`${ROOT}docs/cli.md`, 'utf8');
const blocks = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code);
const execute = promisify(execFile);

const { folder, env, remove } = makeProject({});
afterAll(remove);

itInTurn('the commands of docs/cli.md run around a test, and fail on what they name', async () => {
  const [commands = ''] = blocks('sh').filter((block) => block.includes('exec'));
  const bin = join(folder, 'node_modules', '.bin');
  await execute('mkdir', ['-p', bin]);
  symlinkSync('../kimi-emulator/dist/emulator/cli/main.js', join(bin, 'kimi-emulator'));
  await execute('chmod', ['+x', join(folder, 'node_modules/kimi-emulator/dist/emulator/cli/main.js')]);
  const script = `const { KIMI_BASE_URL: url, KIMI_API_KEY: key } = process.env;
await fetch(url + '/models', { headers: { Authorization: 'Bearer ' + key } });
console.log(url);`;
  writeFileSync(join(folder, 'app.mjs'), script);
  const scripts = { test: 'node app.mjs' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', scripts }));
  const { stdout } = await execute('sh', ['-ec', commands], { cwd: folder, env });
  expect(stdout.match(/^http:\/\/127\.0\.0\.1:\d+\/v1$/gm)).toHaveLength(2);
  expect(stdout).toContain('{"object":"list","data":[{"id":"kimi-');
});

it.each(['ts', 'yaml'])('the configuration of docs/cli.md in %s is valid', async (language) => {
  const [text = ''] = blocks(language);
  const name = `kimi-emulator.config.${language}`;
  expect(text).toContain(name);
  const place = temporaryFolder();
  writeFileSync(join(place, name), text);
  expect(await readConfig([], place)).toMatchObject({ rateTier: 1, limits: { sessions: 20 }, exec: {} });
});

it('the flags of docs/cli.md exist', () => {
  const others = ['help', 'fail-on', 'upstream', 'replay', 'upstream-key-env'];
  for (const [, flag = ''] of PAGE.matchAll(/`--([a-z-]+)/g))
    expect([...Object.keys({ ...FLAGS, ...JOURNAL_SHAPE.flags, ...WINDOW_SHAPE.flags }), ...others]).toContain(flag);
});

itInTurn('the commands of docs/cli.md that look into a running emulator work', async () => {
  const api = await startEmulator('over HTTP');
  const session = await createSession(api);
  for (let write = 0; write < 8; write += 1) {
    await session.append({ role: 'user', content: `The harbour has berth ${write}. ${'It rains. '.repeat(100)}` });
  }
  const { id: snapshot } = (await session.snapshot()).body as Snapshot;
  await session.compress({ ratio: 2 });
  await session.truncate(1);
  const surroundings = { env: { KIMI_BASE_URL: api.emulator.baseURL }, cwd: temporaryFolder() };
  const lines = blocks('sh').flatMap((block) => block.trim().split('\n'));
  const looking = lines.filter((line) => /^npx kimi-emulator (?:journal|sessions|window|diff)/.test(line));
  expect(looking.length).toBeGreaterThan(3);
  for (const line of looking) {
    const [command = '', file] = line
      .replace('npx kimi-emulator ', '')
      .replaceAll('3f9a', session.id.slice(5, 12))
      .replace('snap_77ab', snapshot.slice(0, 14))
      .split(' > ');
    const process = new ServerProcess(command.split(' '), surroundings);
    const first = await process.nextLine();
    const isFollowing = command.includes('--follow');
    const { code, stdout, stderr } = isFollowing ? await process.signal('SIGINT') : await process.ended;
    expect({ command, first: first === undefined, stderr }).toEqual({ command, first: false, stderr: '' });
    expect(code, command).toBe(isFollowing ? null : 0);
    if (file !== undefined) writeFileSync(join(surroundings.cwd, file), stdout);
  }
});
