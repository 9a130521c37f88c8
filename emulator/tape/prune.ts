import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { PRIVATE_FILE } from '../engines/files.ts';
import { whileLocked } from './lock.ts';
import { linesOf, type Tape, TapeError } from './tape.ts';

/**
 * Leaves the last exchanges of equal requests, so many of each. What is recorded meanwhile is left too.
 * @returns how many are left
 * @throws TapeError where the file is another one by then
 */
export function pruneTape(tape: Tape, keepLast: number): number {
  const left = tape.entries.filter((entry) => tape.find(entry.key).slice(-keepLast).includes(entry));
  const read = tape.entries.length;
  const temporary = `${tape.path}.${randomUUID()}.tmp`;
  const file = openSync(temporary, 'wx', PRIVATE_FILE);
  try {
    for (const line of linesOf(tape, left)) writeFileSync(file, line);
    // The long wait for the disk is over before anybody else has to wait.
    fsyncSync(file);
    return whileLocked(tape.path, () => {
      if (!tape.isInPlace) throw new TapeError(`tape ${tape.path}: it was replaced meanwhile; try again`);
      tape.takeIn();
      const added = tape.entries.slice(read);
      const [, ...lines] = linesOf(tape, added);
      for (const line of lines) writeFileSync(file, line);
      fsyncSync(file);
      renameSync(temporary, tape.path);
      return left.length + added.length;
    });
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
}
