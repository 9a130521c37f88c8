import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exported } from '../state/files.ts';
import { temporaryFolder } from '../store/files.ts';
import { run, ServerProcess } from './server-process.ts';

const headers = { Authorization: 'Bearer sk-test', 'Content-Type': 'application/json' };

describe('a server with --import and --export-on-exit', () => {
  it('starts from the imported file, resets to it, and writes the export on exit', async () => {
    const { file, session } = await exported();
    const folder = temporaryFolder();
    const [seed, left] = [join(folder, 'seed.json'), join(folder, 'left', 'state.json')];
    writeFileSync(seed, file);
    const flags = ['--import', seed, '--export-on-exit', left, '--tokenizer', 'o200k_base'];
    const { server, ready } = await ServerProcess.listening(flags, { cwd: folder });
    expect(ready.state).toBe(':memory:');
    const made = await fetch(`${ready.base_url}/sessions`, { method: 'POST', headers });
    expect(made.status).toBe(201);
    await fetch(`http://127.0.0.1:${ready.port}/_emulator/reset`, { method: 'POST' });
    expect((await fetch(`${ready.base_url}/sessions/${session}`, { headers })).status).toBe(200);
    expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(left, 'utf8')).toBe(file);
    // What accounts have sent is for nobody else on a shared machine.
    expect(statSync(left).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).toSorted()).toEqual(['left', 'seed.json']);
    expect(readdirSync(join(folder, 'left'))).toEqual(['state.json']);
  });

  it('does not start with a file that is damaged, missing, or there already', async () => {
    const { file } = await exported();
    const folder = temporaryFolder();
    const seed = join(folder, 'seed.json');
    writeFileSync(seed, file.replace('password', 'passport'));
    const flags = ['--port', '0', '--tokenizer', 'o200k_base', '--import'];
    expect(await run([...flags, seed])).toMatchObject({
      code: 1,
      stderr: `kimi-emulator: --import: ${seed}: the file is damaged: its content is not what was exported\n`,
    });
    expect(await run([...flags, join(folder, 'none.json')])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^kimi-emulator: --import: .*none\.json cannot be read: ENOENT.*\n$/),
    });
    writeFileSync(seed, file);
    const twice = [...flags.slice(2), seed, '--db', join(folder, 'state.db')];
    const { server } = await ServerProcess.listening(twice);
    await server.signal('SIGINT');
    expect(await run(['--port', '0', ...twice])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /of the file already exist; leave out --import to continue with the state in --db\n$/,
      ),
    });
  });

  it('does not start where the export could not be written', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a file'), '');
    for (const path of [join(folder, 'a file', 'state.json'), folder]) {
      expect(await run(['--port', '0', '--export-on-exit', path], { cwd: folder })).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^kimi-emulator: --export-on-exit: .* (?:cannot be written: .*|is a folder)\n$/),
      });
    }
    expect(readdirSync(folder)).toEqual(['a file']);
  });

  it('reports an export that can no longer be written', async () => {
    const folder = temporaryFolder();
    const left = join(folder, 'left');
    const { server } = await ServerProcess.listening(['--memory', '--export-on-exit', join(left, 'state.json')]);
    rmSync(left, { recursive: true });
    writeFileSync(left, '');
    expect(await server.signal('SIGTERM')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^kimi-emulator: --export-on-exit: .* cannot be written: .*\n$/),
    });
  });
});
