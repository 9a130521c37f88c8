import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { judgeMutant } from './judge.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { holdsUp, prove } from './prove.ts';
import { renderProof } from './render.ts';

const USAGE = `Usage: npm run prove -- [AREA|MUTANT …] [--write]

  (nothing)   the whole proof: every mutant, benign variant and null target; minutes
  AREA        the mutants of an area, the benign variants and the null targets
  MUTANT      one mutant by its id: what each check that must catch it says, with its last requests
  --write     write docs/conformance-proof.md; the whole proof only
`;
const CLEAR_LINE = '\r\u001b[K';
const PAGE = new URL('../../docs/conformance-proof.md', import.meta.url);

process.exitCode = await main(process.argv.slice(2));

/** Shows that the kit can fail, and where it cannot. @returns the exit code: 0 where the proof holds, 1 where not, 2 for a wrong command line */
async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { write: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  const areas = new Set(MUTANTS.map(({ area }) => area));
  const single = MUTANTS.filter(({ id }) => positionals.includes(id));
  const unknown = positionals.filter((name) => !areas.has(name) && !single.some(({ id }) => id === name));
  if (values.help || unknown.length > 0 || (values.write && positionals.length > 0)) {
    if (unknown.length > 0) process.stderr.write(`no area or mutant is called ${unknown.join(', ')}\n`);
    process.stderr.write(USAGE);
    return values.help ? 0 : 2;
  }
  if (single.length > 0) return (await Promise.all(single.map(explain))).every(Boolean) ? 0 : 1;
  const { isTTY } = process.stderr;
  const proof = await prove({
    ...(positionals.length > 0 && { areas: positionals }),
    onProgress: (what, done, all) => isTTY && process.stderr.write(`${CLEAR_LINE}[${done}/${all}] ${what}`),
  });
  if (isTTY) process.stderr.write(CLEAR_LINE);
  const page = renderProof(proof);
  process.stdout.write(page);
  if (values.write) writeFileSync(PAGE, page);
  return holdsUp(proof) ? 0 : 1;
}

/** Prints what the checks say that must catch a mutant. @returns whether all of them do */
async function explain(mutant: Mutant): Promise<boolean> {
  const { results, survived } = await judgeMutant(mutant);
  const lines = results.flatMap(({ id, verdict, message = '', exchanges = [] }) => [
    `  ${id}: ${verdict}${message && `: ${message}`}`,
    ...exchanges.map((exchange) => `    ${exchange}`),
  ]);
  const end = survived.length === 0 ? 'caught' : `MISSED by ${survived.map(({ id }) => id).join(', ')}`;
  process.stdout.write(`${mutant.id}, broken so that ${mutant.broken}\n${lines.join('\n')}\n${end}\n`);
  return survived.length === 0;
}
