import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { conformanceCommand } from '../../conformance/cli/command.ts';
import type { Environment } from '../../conformance/cli/terminal.ts';

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

interface CommandOptions {
  env?: Environment;
  /** Is given what a SIGINT would call. */
  interrupt?: (now: () => void) => void;
  /** True where nothing can be written. */
  throwing?: boolean;
}

/** `kimi-emulator conformance …` in this process. */
export async function conformance(
  args: string[],
  { env = {}, interrupt, throwing = false }: CommandOptions = {},
): Promise<Ended> {
  const ended: Ended = { code: -1, stdout: '', stderr: '' };
  ended.code = await conformanceCommand(args, {
    env,
    stdout: {
      write: (text: string) => {
        if (throwing) throw new TypeError('the pipe is gone');
        ended.stdout += text;
      },
    },
    stderr: { write: (text: string) => (ended.stderr += text) },
    onInterrupt(call) {
      interrupt?.(call);
      return () => undefined;
    },
  });
  return ended;
}

/** A folder that is gone when the test is. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kimi-conformance-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
