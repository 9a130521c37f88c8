import { accessSync, constants, mkdirSync } from 'node:fs';
import { UsageError } from './options.ts';

/** Sees before a run that its files can be written after it. @throws UsageError */
export function prepareFolder(out: string): void {
  try {
    mkdirSync(out, { recursive: true });
    accessSync(out, constants.W_OK);
  } catch (error) {
    throw new UsageError(`--out ${out}: ${error instanceof Error ? error.message : error}`);
  }
}
