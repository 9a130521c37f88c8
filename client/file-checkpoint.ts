import { closeSync, fdatasyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Checkpoint, CheckpointError, type RollingState } from './checkpoint.ts';

export interface FileCheckpointOptions {
  /** Waits for the disk each time, so that the checkpoint survives a power cut as well as a kill. Default false. */
  durable?: boolean;
}

/**
 * A checkpoint in a file. Written beside it and then moved over it, so that a kill at any time leaves the old one or the new.
 * One process at a time. Writes block: they take less time than handing them to another thread and back.
 */
export function fileCheckpoint(path: string, { durable = false }: FileCheckpointOptions = {}): Checkpoint {
  let made = false;
  return {
    load() {
      const text = readIfPresent(path);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw new CheckpointError('damaged', `The checkpoint ${path} is damaged: it is not valid JSON.`, { cause });
      }
    },
    save(state: RollingState) {
      if (!made) mkdirSync(dirname(path), { recursive: true });
      made = true;
      const draft = `${path}.tmp`;
      const file = openSync(draft, 'w', 0o600);
      try {
        writeFileSync(file, `${JSON.stringify(state)}\n`);
        if (durable) fdatasyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(draft, path);
    },
  };
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
