import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

/** A checkpoint waits for the disk; 16 MiB of log make it rare without letting the log grow large. */
const CHECKPOINT_PAGES = 4_000;

export const MEMORY = ':memory:';

/** Why a database cannot be used, in one line. The file is as it was. */
export class DatabaseError extends Error {}

/**
 * Opens the state, creating or migrating it where needed.
 * @param path a file, whose folder is created; or `:memory:`
 * @throws DatabaseError where the file is damaged, newer, in use, not ours, or cannot be written
 */
export function openDatabase(path: string): Database.Database {
  if (path !== MEMORY) prepareFile(path);
  try {
    const database = new Database(path, { timeout: 0 });
    try {
      configure(database);
      migrate(database);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  } catch (error) {
    throw explain(error, path);
  }
}

function prepareFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path) && statSync(path).isDirectory())
      throw new DatabaseError(`${path} is a folder, not a database`);
    accessSync(existsSync(path) ? path : dirname(path), constants.R_OK | constants.W_OK);
  } catch (error) {
    throw explain(error, path);
  }
  if (existsSync(path) && statSync(path).size > 0) inspect(path);
}

/** Judges an existing file through a read-only connection, which never checkpoints: a refused file stays as it was. */
function inspect(path: string): void {
  try {
    const database = new Database(path, { readonly: true, timeout: 0 });
    try {
      const version = Number(database.pragma('user_version', { simple: true }));
      const application = Number(database.pragma('application_id', { simple: true }));
      if (application !== APPLICATION_ID) throw new DatabaseError(`${path} is not a kimi-emulator database`);
      if (version > MIGRATIONS.length) {
        throw new DatabaseError(
          `${path} was written by a newer kimi-emulator (schema ${version}, this one knows ${MIGRATIONS.length})`,
        );
      }
      const verdict = String(database.pragma('quick_check(1)', { simple: true }));
      if (verdict !== 'ok') throw new DatabaseError(`${path} is damaged: ${verdict.split('\n').at(-1)}`);
    } finally {
      database.close();
    }
  } catch (error) {
    throw explain(error, path);
  }
}

/**
 * One process owns a file: session locks live in its memory. NORMAL survives a kill at any moment; only a loss of power
 * may cost the last writes, which a development tool can bear.
 */
function configure(database: Database.Database): void {
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('auto_vacuum = INCREMENTAL');
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('cache_size = -16000');
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

function migrate(database: Database.Database): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version === MIGRATIONS.length) return;
  database.transaction(() => {
    for (const migration of MIGRATIONS.slice(version)) database.exec(migration);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
    database.pragma(`application_id = ${APPLICATION_ID}`);
  })();
}

const REASONS: Record<string, string> = {
  SQLITE_NOTADB: 'is not a database, or is damaged',
  SQLITE_CORRUPT: 'is damaged',
  SQLITE_BUSY: 'is in use by another process',
  SQLITE_READONLY: 'cannot be written',
  SQLITE_CANTOPEN: 'cannot be opened',
  SQLITE_FULL: 'cannot grow: the disk is full',
  EACCES: 'cannot be written: permission denied',
  EPERM: 'cannot be written: permission denied',
  EROFS: 'cannot be written: the file system is read-only',
  ENOSPC: 'cannot grow: the disk is full',
  ENOTDIR: 'cannot be created: a part of the path is a file',
  EEXIST: 'cannot be created: a part of the path is a file',
};

function explain(error: unknown, path: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = REASONS[code] ?? REASONS[code.split('_').slice(0, 2).join('_')];
  return new DatabaseError(
    `${path} ${reason ?? `cannot be opened: ${error instanceof Error ? error.message : error}`}`,
  );
}
