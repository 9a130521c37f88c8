import type { CommandIo } from '../../emulator/cli/usage.ts';

interface Surroundings {
  env?: Record<string, string>;
  /** Columns of a terminal; without them it writes into a pipe. */
  terminal?: number;
}

/** Runs a command in this process. */
export async function runHere(
  run: (args: string[], io: CommandIo) => Promise<number>,
  args: readonly string[],
  { env = {}, terminal }: Surroundings = {},
): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const screen = terminal === undefined ? {} : { isTTY: true, columns: terminal };
  const stdout = { write: (text: string) => (said.out += text), ...screen };
  const stderr = { write: (text: string) => (said.err += text), ...screen };
  const code = await run([...args], { stdout, stderr, env });
  return { code, ...said };
}
