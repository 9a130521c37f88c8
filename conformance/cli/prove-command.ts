import { writeFileSync } from 'node:fs';
import { EXIT } from '../core/exit-code.ts';
import { renderProof } from '../proof/matrix.ts';
import { holdsUp, prove } from '../proof/prove.ts';
import type { Terminal } from './command.ts';
import type { Options } from './options.ts';

const CLEAR_LINE = '\r\u001b[K';

/** Shows that the kit can fail, and where it cannot. With `--case AREA` the broken servers of that area only. */
export async function proveCommand(options: Options, { stdout, stderr }: Terminal): Promise<number> {
  const onProgress = (what: string, done: number, all: number) => {
    if (stderr.isTTY && !options.quiet) stderr.write(`${CLEAR_LINE}[${done}/${all}] ${what}`);
  };
  const proof = await prove({ ...(options.cases && { areas: options.cases }), onProgress });
  if (stderr.isTTY && !options.quiet) stderr.write(CLEAR_LINE);
  const text = renderProof(proof);
  stdout.write(text);
  if (options.reports.includes('markdown')) writeFileSync(`${options.out}/conformance-proof.md`, text);
  return holdsUp(proof) ? EXIT.conformant : EXIT.unproven;
}
