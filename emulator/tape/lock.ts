import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { PRIVATE_FILE } from '../engines/files.ts';

/** A lock is held while one line is written. One that is older was left by a process that this one cannot see. */
const STALE_MS = 10_000;
const PAUSE_MS = 2;
/** Who may make no file beside the tape can put no other in its place either. */
const NO_FOLDER: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS']);

/** Does something that no other process does to this file at the same time. Both are short: the event loop waits. */
export function whileLocked<Result>(path: string, act: () => Result): Result {
  const lock = `${path}.lock`;
  const own = `${hostname()} ${process.pid} ${randomUUID()}`;
  const isHeld = take(lock, own);
  try {
    return act();
  } finally {
    if (isHeld && read(lock) === own) rmSync(lock, { force: true });
  }
}

/** @returns whether there is a lock at all */
function take(lock: string, own: string): boolean {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      writeFileSync(lock, own, { flag: 'wx', mode: PRIVATE_FILE });
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (NO_FOLDER.has(code)) return false;
      if (code !== 'EEXIST') throw error;
    }
    const holder = read(lock);
    if (holder !== undefined && isStale(lock, holder)) remove(lock, holder);
    else Atomics.wait(pause, 0, 0, PAUSE_MS);
  }
}

function read(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
}

function isStale(lock: string, holder: string): boolean {
  const [host, pid] = holder.split(' ');
  if (host === hostname() && pid !== undefined && !isRunning(Number(pid))) return true;
  const { mtimeMs } = statSync(lock, { throwIfNoEntry: false }) ?? {};
  return mtimeMs !== undefined && Date.now() - mtimeMs > STALE_MS;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Takes it away under a name of its own, so that a lock that somebody else took meanwhile is seen, and put back. */
function remove(lock: string, holder: string): void {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
    if (read(aside) !== holder) linkSync(aside, lock);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
