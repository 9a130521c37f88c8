import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { runInspectCommand } from '../../emulator/cli/inspect.ts';
import { createEmulator } from '../../emulator/index.ts';
import { temporaryFolder } from '../store/files.ts';
import { Api } from '../support/emulator.ts';
import { createSession, O200K } from '../support/session.ts';
import { runHere } from './in-process.ts';
import { run, ServerProcess } from './server-process.ts';

/** A file of a state with one session of one message. */
async function exportedFile(): Promise<{ file: string; id: string }> {
  const emulator = createEmulator({ tokenizer: O200K, limits: { window_tokens: 2_000_000, sessions: 200 } });
  const session = await createSession(new Api(emulator, 'in process'));
  await session.append({ role: 'user', content: 'hello from the file' });
  await session.snapshot({ name: 'as it was' });
  const { id } = (await session.api.post<{ id: string }>('/v1/sessions', {})).body;
  for (let count = 0; count < 150; count += 1) await session.api.post('/v1/sessions', { title: `${count}` });
  const words = { role: 'user', content: ' international'.repeat(8_000) };
  for (let count = 0; count < 34; count += 1) {
    expect((await session.api.post(`/v1/sessions/${id}/messages`, words)).status).toBe(200);
  }
  const file = join(temporaryFolder(), 'state.json');
  writeFileSync(file, await emulator.state.export());
  await emulator.close();
  return { file, id: session.path.split('/').at(-1) ?? '' };
}

it('kimi-emulator inspect shows an exported file read-only, and leaves it as it is', async () => {
  const { file, id } = await exportedFile();
  const before = readFileSync(file, 'utf8');
  const { server, ready } = await ServerProcess.listening(['inspect', file], {});
  const root = ready.base_url.replace(/\/v1$/, '');
  expect(await (await fetch(`${root}/_emulator/ui`)).text()).toContain('kimi-emulator inspector');
  const overview = (await (await fetch(`${root}/_emulator/inspect`)).json()) as { read_only: boolean; token: string };
  expect(overview.read_only).toBe(true);
  const page = await (await fetch(`${root}/_emulator/inspect/sessions/${id}/window`)).json();
  expect(page).toMatchObject({ items: [{ text: 'hello from the file' }] });
  const json = { 'Content-Type': 'application/json', Authorization: 'Bearer any' };
  const headers = { ...json, 'Kimi-Emulator-Inspector': overview.token };
  const body = JSON.stringify({ session: id, at: 'now' });
  for (const path of ['/_emulator/inspect/actions/fork', '/v1/sessions', '/_emulator/reset']) {
    expect((await fetch(root + path, { method: 'POST', headers, body })).status, path).toBe(403);
  }
  expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(file, 'utf8')).toBe(before);
});

it.each([
  [[], 2, 'takes one FILE'],
  [['a.json', 'b.json'], 2, 'takes one FILE'],
  [['missing.json'], 1, 'missing.json cannot be read'],
])('kimi-emulator inspect %j says what is wrong in one line', async (args, code, says) => {
  const ended = await run(['inspect', ...args]);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(/^kimi-emulator inspect: .*\n$/);
  expect(ended.stderr).toContain(says);
});

it.each([
  [
    'a session of an unknown model',
    { state: { sessions: [{ model: 'kimi-k9', toolset: null, window: { tokens: 37 } }] } },
  ],
  ['sessions that are not a list', { state: { sessions: 5 } }],
  ['no session in the list', { state: { sessions: [null] } }],
  ['no state', { state: null }],
  ['nothing', null],
])('kimi-emulator inspect leaves it to the import to refuse a file with %s', async (_, content) => {
  const file = join(temporaryFolder(), 'state.json');
  writeFileSync(file, JSON.stringify(content));
  const { code, out, err } = await runHere(runInspectCommand, [file]);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/^kimi-emulator inspect: .*state\.json: .*\n$/);
});

it('--open starts the program that opens a browser with the URL of the inspector, and no shell', async () => {
  const folder = temporaryFolder();
  const said = join(folder, 'said');
  const opener = join(folder, process.platform === 'darwin' ? 'open' : 'xdg-open');
  writeFileSync(opener, `#!/bin/sh\necho "$@" > ${said}.part && mv ${said}.part ${said}\n`);
  chmodSync(opener, 0o755);
  const env = { PATH: `${folder}${delimiter}${process.env.PATH}` };
  const { server, ready } = await ServerProcess.listening(['--open', '--memory'], { env });
  await expect.poll(() => existsSync(said)).toBe(true);
  expect(readFileSync(said, 'utf8')).toBe(`http://127.0.0.1:${ready.port}/_emulator/ui\n`);
  expect(ready.inspector).toBe(`http://127.0.0.1:${ready.port}/_emulator/ui`);
  await server.signal('SIGTERM');
});
