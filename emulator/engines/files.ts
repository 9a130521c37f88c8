import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** For folders and files that hold what accounts have sent: nobody else on a shared machine reads them. */
const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;

/**
 * Makes a folder and those above it, where they are missing, for the user alone. Node's own `recursive` never ends below a folder that says of
 * what it may not hold that it is not found, as `/proc` does.
 * @throws the error of the file system
 */
export function makeFolder(path: string): void {
  try {
    makeOne(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    // It may be there now: `new/..` is, once `new` is.
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: PRIVATE_FOLDER });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

/**
 * Writes a file so that whoever opens the path finds the old content or the new, never a part. Makes its folder.
 * @param mode of the file, less what the process masks
 */
export async function writeAtomically(path: string, parts: Iterable<Uint8Array>, mode = 0o666): Promise<void> {
  makeFolder(dirname(path));
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, parts, { flush: true, mode });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Reads a file in one go: `readFile` comes back to the event loop for every half megabyte. */
export async function readWhole(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const content = Buffer.allocUnsafeSlow(size);
    let length = 0;
    for (let read = -1; read !== 0 && length < size; length += read) {
      ({ bytesRead: read } = await file.read(content, length, size - length, length));
    }
    return content.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** The SHA-256 of `bytes`, in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
