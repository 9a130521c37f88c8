import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage', 'target', 'vendor']);
const MOST_BYTES = 200_000;
const LOOKED_AT = 4_096;

/** The text files of a folder and the folders in it, by name; nothing hidden, generated or large. */
export async function* textFiles(folder: string): AsyncGenerator<string, void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory()) yield* textFiles(path);
    else if (entry.isFile() && (await isText(path))) yield path;
  }
}

async function isText(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size === 0 || size > MOST_BYTES) return false;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOKED_AT), 0, LOOKED_AT, 0);
    return !buffer.subarray(0, bytesRead).includes(0);
  } finally {
    await file.close();
  }
}
