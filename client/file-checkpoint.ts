import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Checkpoint, CheckpointError, type RollingState } from './checkpoint.ts';

/**
 * A checkpoint in a file. Written beside it and then moved over it, so that a kill at any time leaves the old one or the new.
 * One process at a time.
 */
export function fileCheckpoint(path: string): Checkpoint {
  let made = false;
  return {
    async load() {
      const text = await readIfPresent(path);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw new CheckpointError('damaged', `The checkpoint ${path} is damaged: it is not valid JSON.`, { cause });
      }
    },
    async save(state: RollingState) {
      if (!made) await mkdir(dirname(path), { recursive: true });
      made = true;
      const draft = `${path}.tmp`;
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(state)}\n`);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
    },
  };
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
