import { accessSync, closeSync, constants, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { makeFolder, PRIVATE_FILE } from '../engines/files.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

/** A checkpoint waits for the disk; 16 MiB of log make it rare without letting the log grow large. */
const CHECKPOINT_PAGES = 4_000;

/** SQLite's number for `auto_vacuum = INCREMENTAL`. */
const INCREMENTAL = 2;

export const MEMORY = ':memory:';

/**
 * `LIMIT ?` for a statement that runs again and again. SQLite 3.53 plans with the value that is bound to a bare one, and so compiles
 * the statement anew at each run: a read of two rows takes five times as long [measured with better-sqlite3 12.11, 2026-12].
 */
export const BOUND_LIMIT = 'LIMIT ? + 0';

/** Why a database cannot be used, in one line. The file is as it was. */
export class DatabaseError extends Error {}

/** Whether sessions of a model can be served. */
export type KnowsModel = (name: string) => boolean;

/**
 * Opens the state, creating or migrating it where needed.
 * @param path a file, whose folder is created; or `:memory:`
 * @param knows which models its sessions may have
 * @throws DatabaseError where the file is damaged, newer, of an unknown model, in use, not ours, or cannot be written
 */
export function openDatabase(path: string, knows: KnowsModel = () => true): Database.Database {
  try {
    if (path !== MEMORY) prepareFile(path, knows);
    const database = new Database(path, { timeout: 0 });
    try {
      configure(database);
      migrate(database);
    } catch (error) {
      database.close();
      throw error;
    }
    // A process that was killed leaves this index of its log, which one that owns the file does without.
    if (path !== MEMORY) rmSync(`${path}-shm`, { force: true });
    return database;
  } catch (error) {
    throw explain(error, path);
  }
}

function prepareFile(path: string, knows: KnowsModel): void {
  const folder = dirname(path);
  makeFolder(folder);
  // The log stands beside the file, so that both must be writable.
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file) {
    // SQLite gives its log the mode of the file.
    closeSync(openSync(path, 'a', PRIVATE_FILE));
    return;
  }
  if (file.isDirectory()) throw new DatabaseError(`${path} is a folder, not a database`);
  accessSync(path, constants.R_OK | constants.W_OK);
  if (file.size > 0) inspect(path, file.size, knows);
}

/**
 * Judges an existing file, so that one which is refused stays as it was. A log that was left behind would be worked into
 * the file on closing, so it is read without the right to write.
 */
function inspect(path: string, bytes: number, knows: KnowsModel): void {
  const left = ['-wal', '-journal'].some((suffix) => statSync(path + suffix, { throwIfNoEntry: false })?.size);
  const database = new Database(path, { readonly: left, timeout: 0 });
  try {
    // Without this, reading alone would put an index of the log beside the file.
    if (!left) database.pragma('locking_mode = EXCLUSIVE');
    const version = Number(database.pragma('user_version', { simple: true }));
    const application = Number(database.pragma('application_id', { simple: true }));
    if (application !== APPLICATION_ID && !isEmpty(database)) {
      throw new DatabaseError(`${path} is not a kimi-emulator database`);
    }
    if (version > MIGRATIONS.length) {
      throw new DatabaseError(
        `${path} was written by a newer kimi-emulator (schema ${version}, this one knows ${MIGRATIONS.length})`,
      );
    }
    const pageBytes = Number(database.pragma('page_size', { simple: true }));
    if (!left && bytes % pageBytes !== 0) throw new DatabaseError(`${path} is damaged: its end is missing`);
    const verdict = String(database.pragma('quick_check(1)', { simple: true }));
    if (verdict !== 'ok') throw new DatabaseError(`${path} is damaged: ${verdict.split('\n').at(-1)}`);
    const unknown = modelsIn(database).find((model) => !knows(model));
    if (unknown !== undefined) {
      throw new DatabaseError(
        `${path} holds sessions of ${unknown}, a model that this kimi-emulator does not know: a newer one wrote it, or a gateway`,
      );
    }
  } finally {
    database.close();
  }
}

const WITH_MODELS = ['sessions', 'snapshots', 'kept_sessions', 'kept_snapshots'];

function modelsIn(database: Database.Database): string[] {
  const isThere = database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?');
  const tables = WITH_MODELS.filter((table) => isThere.get(table));
  const models = (table: string) => database.prepare<[], string>(`SELECT DISTINCT model FROM ${table}`).pluck().all();
  return tables.flatMap(models);
}

/** True for a file whose creation was cut off before anything was put into it. */
function isEmpty(database: Database.Database): boolean {
  const pages = Number(database.pragma('page_count', { simple: true }));
  return pages > 0 && database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
}

/**
 * One process owns a file: session locks live in its memory. NORMAL survives a kill at any moment; only a loss of power
 * may cost the last writes, which a development tool can bear.
 */
function configure(database: Database.Database): void {
  database.pragma('locking_mode = EXCLUSIVE');
  // Setting it writes to the file, even where it is set already.
  if (database.pragma('auto_vacuum', { simple: true }) !== INCREMENTAL) database.pragma('auto_vacuum = INCREMENTAL');
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('cache_size = -16000');
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

function migrate(database: Database.Database): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version === MIGRATIONS.length) return;
  const steps = version === 0 && schema ? [schema] : MIGRATIONS.slice(version);
  database.transaction(() => {
    for (const step of steps) database.exec(step);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
    database.pragma(`application_id = ${APPLICATION_ID}`);
  })();
  if (version === 0) schema ??= schemaOf(database);
}

/** What the first new database of this process has come to: to make that at once takes a third of the time of all steps to it. */
let schema: string | undefined;

function schemaOf(database: Database.Database): string {
  const made =
    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY rowid";
  return database.prepare<[], string>(made).pluck().all().join(';\n');
}

const REASONS: Record<string, string> = {
  SQLITE_NOTADB: 'is not a database, or is damaged',
  SQLITE_CORRUPT: 'is damaged',
  SQLITE_BUSY: 'is in use by another process',
  SQLITE_READONLY: 'cannot be written',
  SQLITE_CANTOPEN: 'cannot be opened',
  ENOENT: 'cannot be created: its folder may not be made there',
  SQLITE_FULL: 'cannot grow: the disk is full',
  SQLITE_IOERR: 'cannot be read or written: the disk is full, limits the size of a file, or is out of order',
  EACCES: 'cannot be written: permission denied',
  EPERM: 'cannot be written: permission denied',
  EROFS: 'cannot be written: the file system is read-only',
  ENOSPC: 'cannot grow: the disk is full',
  ENOTDIR: 'cannot be created: a part of the path is a file',
  EEXIST: 'cannot be created: a part of the path is a file',
};

/** What a disk may do to a database that is open. */
const DISK_FAULTS: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_READONLY']);

/** What the disk has done, in one line, where it is to blame for an error of an open database; else undefined. */
export function diskFault(error: unknown, path: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const family = familyOf(codeOf(error));
  if (DISK_FAULTS.has(family)) return `${path} ${REASONS[family]}`;
  return diskFault(error.cause, path);
}

function explain(error: unknown, path: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const code = codeOf(error);
  if (code === 'ERR_DLOPEN_FAILED' || String(error).includes('bindings file')) return new DatabaseError(notCompiled());
  const reason = REASONS[code] ?? REASONS[familyOf(code)];
  return new DatabaseError(
    `${path} ${reason ?? `cannot be opened: ${error instanceof Error ? error.message : error}`}`,
  );
}

/** A package manager that runs no install scripts leaves the binary out, and another Node needs another one. */
function notCompiled(): string {
  const [folder = ''] = createRequire(import.meta.url)
    .resolve('better-sqlite3')
    .split(/[\\/]node_modules[\\/]/);
  const where = existsSync(join(folder, 'package.json')) ? `in ${folder}` : 'with --global';
  const { version, platform, arch } = process;
  return (
    `better-sqlite3 is not compiled for Node ${version} on ${platform}-${arch}: run "npm rebuild better-sqlite3 --ignore-scripts=false" ` +
    `${where}, with "allowScripts": { "better-sqlite3": true } in package.json where npm asks for it; ` +
    'without a prebuilt binary it needs python3, make and g++'
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Of `SQLITE_IOERR_WRITE`, `SQLITE_IOERR`. */
function familyOf(code: string): string {
  return code.split('_').slice(0, 2).join('_');
}
