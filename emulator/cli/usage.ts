import { didYouMean } from '../bad-input.ts';

/** Where a command writes. */
export interface CommandIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** A command line that is not understood, in one line. */
export class UsageError extends Error {}

const AMBIGUOUS = /^Option '(?:-\w, )?(--[\w-]+)[^']*' argument is ambiguous/;
const UNKNOWN = /^Unknown option '(-[^']*)'/;

/** Why `parseArgs` refused a command line, in one line: Node explains at length. `flags`: the names that there are. */
export function usageFault(error: unknown, flags: readonly string[] = []): string {
  const message = error instanceof Error ? error.message : String(error);
  const ambiguous = AMBIGUOUS.exec(message)?.[1];
  if (ambiguous !== undefined)
    return `${ambiguous} has no value; write ${ambiguous}=-… for one that begins with a dash`;
  const unknown = UNKNOWN.exec(message)?.[1];
  if (unknown !== undefined) return `unknown flag '${unknown}'${didYouMean(unknown, flags, '--')}`;
  return message.split(/\. |\n/)[0] ?? message;
}

/** Rows of cells, two spaces apart. */
export function inColumns(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const last = (rows[0]?.length ?? 0) - 1;
  return rows.map(
    (row) => `  ${row.map((cell, column) => (column < last ? cell.padEnd(width(column)) : cell)).join('  ')}`,
  );
}
