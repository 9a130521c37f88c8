import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DatabaseError, diskFault, openDatabase } from '../../emulator/store/database.ts';
import { MIGRATIONS } from '../../emulator/store/schema.ts';
import { fingerprint, temporaryFolder } from './files.ts';

describe('openDatabase', () => {
  it('creates the file and the folders above it, and leaves nothing else beside it when closed', () => {
    const folder = temporaryFolder();
    const database = openDatabase(join(folder, 'a', 'b', 'state.db'));
    expect(database.pragma('auto_vacuum', { simple: true })).toBe(2);
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    database.close();
    expect(readdirSync(join(folder, 'a', 'b'))).toEqual(['state.db']);
  });

  it('gives the second new database of a process what all migrations come to', () => {
    const schemaOf = (database: Database.Database) =>
      database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all();
    const migrated = new Database(':memory:');
    for (const migration of MIGRATIONS) migrated.exec(migration);
    for (let round = 0; round < 2; round += 1) {
      const database = openDatabase(':memory:');
      expect(schemaOf(database)).toEqual(schemaOf(migrated));
      database.close();
    }
  });

  it('creates a file, its log and its folders that only the user can read', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a', 'b', 'state.db');
    const database = openDatabase(path);
    database.exec("INSERT INTO meta (name, value) VALUES ('runs', 1)");
    const modes = ['a', 'a/b', 'a/b/state.db', 'a/b/state.db-wal'].map(
      (name) => statSync(join(folder, name)).mode & 0o777,
    );
    database.close();
    expect(modes).toEqual([0o700, 0o700, 0o600, 0o600]);
  });

  it('opens what it has created, byte for byte the same when closed', () => {
    const { folder, path } = existingState();
    const before = fingerprint(folder);
    openDatabase(path).close();
    expect(fingerprint(folder)).toEqual(before);
  });

  it('refuses the file of a newer version', () => {
    const { folder, path } = existingState((database) => database.pragma('user_version = 99'));
    expectRefusal(folder, path, `newer kimi-emulator (schema 99, this one knows ${MIGRATIONS.length})`);
  });

  it('refuses the file of another program, whether or not it has a log', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'foreign.db');
    const foreign = new Database(path);
    foreign.exec('CREATE TABLE theirs (a)');
    expectRefusal(folder, path, 'is not a kimi-emulator database');
    foreign.pragma('journal_mode = WAL');
    foreign.close();
    expectRefusal(folder, path, 'is not a kimi-emulator database');
  });

  it('refuses a newer version that was killed, and leaves its log alone', () => {
    const folder = temporaryFolder();
    const source = join(folder, 'source.db');
    const killed = join(temporaryFolder(), 'state.db');
    const running = openDatabase(source);
    running.pragma('user_version = 99');
    for (const suffix of ['', '-wal']) copyFileSync(source + suffix, killed + suffix);
    running.close();
    const before = fingerprint(join(killed, '..'));
    expect(() => openDatabase(killed)).toThrow('newer kimi-emulator');
    expect(fingerprint(join(killed, '..'))).toMatchObject(before);
  });

  it('takes up a file that was killed while it was created', () => {
    const path = join(temporaryFolder(), 'state.db');
    const early = new Database(path);
    early.pragma('auto_vacuum = INCREMENTAL');
    early.pragma('journal_mode = WAL');
    early.close();
    const database = openDatabase(path);
    expect(database.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    expect(database.pragma('auto_vacuum', { simple: true })).toBe(2);
    database.close();
  });

  it('takes up the log of a process that was killed, and leaves nothing of it when closed', () => {
    const source = join(temporaryFolder(), 'state.db');
    const folder = temporaryFolder();
    const running = openDatabase(source);
    running.exec(`INSERT INTO toolsets (tools, tokens) VALUES ('[]', 7)`);
    for (const suffix of ['', '-wal']) copyFileSync(source + suffix, join(folder, `state.db${suffix}`));
    running.close();
    const database = openDatabase(join(folder, 'state.db'));
    expect(database.prepare('SELECT tokens FROM toolsets').pluck().get()).toBe(7);
    database.close();
    expect(readdirSync(folder)).toEqual(['state.db']);
  });

  it('refuses a file that is in use', () => {
    const { path } = existingState();
    const running = openDatabase(path);
    expect(refusal(path)).toBe(`${path} is in use by another process`);
    running.close();
    openDatabase(path).close();
  });

  it('refuses a folder, and a path through a file', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'state.db'));
    writeFileSync(join(folder, 'file'), '');
    expect(refusal(join(folder, 'state.db'))).toContain('is a folder, not a database');
    expect(refusal(join(folder, 'file', 'state.db'))).toContain('a part of the path is a file');
  });

  // Nothing is unwritable to root; the command line's tests do this as another user.
  it.skipIf(process.getuid?.() === 0)('refuses a file or folder that cannot be written', () => {
    const { folder, path } = existingState();
    chmodSync(path, 0o400);
    expectRefusal(folder, path, 'cannot be written: permission denied');
    chmodSync(path, 0o600);
    chmodSync(folder, 0o500);
    expectRefusal(folder, path, 'cannot be written: permission denied');
    chmodSync(folder, 0o700);
  });

  it('that may grow no more says that the disk is full, also as the cause of another error', () => {
    const { path } = existingState();
    const database = openDatabase(path);
    onTestFinished(() => void database.close());
    database.pragma(`max_page_count = ${database.pragma('page_count', { simple: true })}`);
    const grow = () => database.prepare('INSERT INTO toolsets (tools, tokens) VALUES (?, 7)').run('x'.repeat(100_000));
    const full = errorOf(grow);
    const said = `${path} cannot grow: the disk is full`;
    expect(diskFault(full, path)).toBe(said);
    expect(diskFault(new Error('the whole of it', { cause: full }), path)).toBe(said);
    expect(
      diskFault(
        errorOf(() => database.exec('nonsense')),
        path,
      ),
    ).toBeUndefined();
    expect(diskFault(new Error('another'), path)).toBeUndefined();
  });
});

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

function existingState(prepare: (database: Database.Database) => void = () => undefined) {
  const folder = temporaryFolder();
  const path = join(folder, 'state.db');
  const database = openDatabase(path);
  database.exec(`INSERT INTO toolsets (tools, tokens) VALUES ('[]', 7)`);
  prepare(database);
  database.close();
  return { folder, path };
}

function refusal(path: string): string {
  try {
    openDatabase(path).close();
  } catch (error) {
    expect(error).toBeInstanceOf(DatabaseError);
    return (error as DatabaseError).message;
  }
  throw new Error(`${path} was opened`);
}

function expectRefusal(folder: string, path: string, reason: string): void {
  const before = fingerprint(folder);
  const message = refusal(path);
  expect(message).toContain(reason);
  expect(message).not.toContain('\n');
  expect(fingerprint(folder)).toEqual(before);
}
