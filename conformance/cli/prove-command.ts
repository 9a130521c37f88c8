import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../core/exit-code.ts';
import { renderProof } from '../proof/matrix.ts';
import { MUTANTS } from '../proof/mutants.ts';
import { holdsUp, prove } from '../proof/prove.ts';
import type { Terminal } from './command.ts';
import { prepareFolder } from './folder.ts';
import { type Options, UsageError } from './options.ts';

const CLEAR_LINE = '\r\u001b[K';
const AREAS = [...new Set(MUTANTS.map(({ area }) => area))];

/** Shows that the kit can fail, and where it cannot. With `--case AREA` the broken servers of that area only. */
export async function proveCommand(options: Options, { stdout, stderr }: Terminal): Promise<number> {
  for (const area of options.cases ?? []) {
    // Nothing that ran would be nothing that failed.
    if (!MUTANTS.some((mutant) => mutant.area === area)) {
      throw new UsageError(`there are no broken servers of ${area}; areas are ${AREAS.join(', ')}`);
    }
  }
  const writes = options.reports.includes('markdown');
  if (writes) prepareFolder(options.out);
  const onProgress = (what: string, done: number, all: number) => {
    if (stderr.isTTY && !options.quiet) stderr.write(`${CLEAR_LINE}[${done}/${all}] ${what}`);
  };
  const proof = await prove({ ...(options.cases && { areas: options.cases }), onProgress });
  if (stderr.isTTY && !options.quiet) stderr.write(CLEAR_LINE);
  const text = renderProof(proof);
  stdout.write(text);
  if (writes) writeFileSync(join(options.out, 'conformance-proof.md'), text);
  return holdsUp(proof) ? EXIT.conformant : EXIT.unproven;
}
