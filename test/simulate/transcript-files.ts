import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { readTranscripts, type Transcript } from '../../emulator/simulate/index.ts';

/** The least that is a transcript. */
export const GOOD = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello.' },
];

/** A folder of a test file's own, which is gone when its tests are. */
export function transcriptFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'transcripts-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  /** Writes a file of records, each on a line; texts as they are. @returns its path */
  const write = (name: string, ...records: readonly (object | string)[]): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    const lines = records.map((record) => (typeof record === 'string' ? record : `${JSON.stringify(record)}\n`));
    writeFileSync(path, lines.join(''));
    return path;
  };
  return { folder, write };
}

/** The transcript of a file that holds one, and nothing to complain of. */
export async function readOne(path: string): Promise<Transcript> {
  const [found, ...more] = await readTranscripts([path], (line) => expect.fail(line));
  if (!found || more.length > 0) throw new Error(`${more.length + 1} transcripts in ${path}`);
  return found;
}

/** A record of Claude Code. */
export function claude(uuid: string, parentUuid: string | null, type: string, message: object, more: object = {}) {
  const time = `2026-03-01T10:00:${uuid.replace(/\D/g, '').padStart(2, '0')}.000Z`;
  return {
    parentUuid,
    isSidechain: false,
    sessionId: 's',
    version: '2.1.1',
    type,
    message,
    uuid,
    timestamp: time,
    ...more,
  };
}
