import { chmodSync, chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../emulator/store/database.ts';
import { fingerprint, temporaryFolder } from '../store/files.ts';
import { inTurn } from '../support/in-turn.ts';
import { run, ServerProcess, type Surroundings } from './server-process.ts';

const itInTurn = inTurn(2);

const NOBODY = 65_534;

describe('a start that cannot be', () => {
  itInTurn('for a port in use says so, and leaves the database alone', async () => {
    const { folder, path } = existingState();
    const port = await takenPort();
    const before = fingerprint(folder);
    const args = ['--port', String(port), '--db', path, '--seed', 'x'];
    await expectRefusal(args, `127.0.0.1:${port} is in use; choose another with --port`);
    expect(fingerprint(folder)).toEqual(before);

    const cwd = temporaryFolder();
    await expectRefusal(['--port', String(port)], 'is in use', { cwd });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('for an address of another machine says so', async () => {
    await expectRefusal(['--memory', '--host', '192.0.2.1'], '192.0.2.1', {}, 2);
  });

  itInTurn('for a newer or a damaged database says so, and leaves it alone', async () => {
    const newer = existingState((database) => database.pragma('user_version = 7'));
    await expectUntouched(newer, 'was written by a newer kimi-emulator');

    const damaged = existingState();
    const bytes = readFileSync(damaged.path);
    writeFileSync(damaged.path, bytes.fill(0x5a, 4_096, 8_192));
    await expectUntouched(damaged, 'is damaged');
  });

  itInTurn('for a database in use says so, and goes on serving the other', async () => {
    const { path } = existingState();
    const { server, ready } = await ServerProcess.listening(['--db', path]);
    await expectRefusal(['--port', '0', '--db', path], 'is in use by another process');
    expect((await fetch(`${ready.base_url.replace('/v1', '')}/_emulator/health`)).status).toBe(200);
    expect(await server.signal('SIGTERM')).toMatchObject({ code: 0 });
  });

  itInTurn('for a folder or a file that may not be written says so', async (context) => {
    const asRoot = process.getuid?.() === 0;
    const { folder, path } = existingState();
    const home = temporaryFolder();
    const user = asRoot ? { uid: NOBODY, env: { HOME: home, XDG_CACHE_HOME: home } } : {};
    if (asRoot) chownSync(home, NOBODY, NOBODY);
    if (asRoot && (await run(['--version'], user)).code !== 0) {
      console.warn(`SKIPPED: ${context.task.name}: another user cannot read the project's folder`);
      return context.skip('needs a folder that another user can read');
    }
    chmodSync(path, 0o444);
    chmodSync(folder, 0o555);
    const before = fingerprint(folder);
    await expectRefusal(['--port', '0', '--db', path], 'cannot be written: permission denied', user);
    await expectRefusal(
      ['--port', '0', '--db', join(folder, 'new', 'state.db')],
      'cannot be written: permission denied',
      user,
    );
    expect(fingerprint(folder)).toEqual(before);
    chmodSync(folder, 0o755);
  });

  it.runIf(process.platform === 'linux')('for a folder where none can be says so', async () => {
    const reason = 'cannot be created: its folder may not be made there';
    await expectRefusal(['--port', '0', '--db', '/proc/new/folder/state.db'], reason);
    const ended = await run(['--port', '0', '--memory', '--export-on-exit', '/proc/new/folder/state.json']);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^kimi-emulator: --export-on-exit: [^\n]+ cannot be written: [^\n]+\n$/);
  });

  it('does not fail for a database path whose folder does not exist yet', async () => {
    const cwd = temporaryFolder();
    const { server } = await ServerProcess.listening(['--db', 'new/../more/state.db'], { cwd });
    expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(join(cwd, 'more'))).toEqual(['state.db']);
  });

  itInTurn('for a folder whose name is a file says so', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'file'), '');
    await expectRefusal(['--port', '0', '--db', 'file/new/state.db'], 'a part of the path is a file', { cwd });
    await expectRefusal(['--port', '0', '--db', 'file/state.db'], 'a part of the path is a file', { cwd });
  });

  it('for an invalid vocabulary says so, before there is a database', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'vocabulary'), 'no vocabulary');
    await expectRefusal(['--port', '0', '--tokenizer', 'vocabulary'], 'vocabulary', { cwd });
    writeFileSync(join(cwd, 'vocabulary'), 'IQ== 0\nIg== 1\n');
    await expectRefusal(['--port', '0', '--tokenizer', 'vocabulary'], 'it has 2 ranks where 163584 are expected', {
      cwd,
    });
    expect(readdirSync(cwd)).toEqual(['vocabulary']);
  });
});

function existingState(prepare: (database: Database.Database) => void = () => undefined) {
  const folder = temporaryFolder();
  const path = join(folder, 'state.db');
  const database = openDatabase(path);
  database.exec(`INSERT INTO toolsets (tools, tokens) VALUES ('[]', 7)`);
  prepare(database);
  database.close();
  return { folder, path };
}

async function expectUntouched({ folder, path }: { folder: string; path: string }, reason: string): Promise<void> {
  const before = fingerprint(folder);
  await expectRefusal(['--port', '0', '--db', path], reason);
  expect(fingerprint(folder)).toEqual(before);
}

/** One clear line (a warning may stand before it), exit 1, and nothing on the standard output. */
async function expectRefusal(args: string[], reason: string, surroundings?: Surroundings, lines = 1): Promise<void> {
  const { code, stdout, stderr } = await run(args, surroundings);
  expect(stderr).toContain(reason);
  expect(stderr).toMatch(new RegExp(`^(kimi-emulator: [^\\n]+\\n){${lines}}$`));
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
}

async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
