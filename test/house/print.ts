import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, sourceFiles, typeCycles, valueCycles } from './graph.ts';
import type { Walk } from './walk.ts';

/** One measure of the house: what it is now, and what it should be at most. */
interface Measure {
  name: string;
  now: number;
  goal: number;
}

const walk = fileURLToPath(new URL('walk.ts', import.meta.url));
const walks = JSON.parse(
  execFileSync(process.execPath, ['--import', 'tsx', walk], { cwd: ROOT, encoding: 'utf8' }),
) as Walk[];
const files = sourceFiles();
const lines = files.reduce((sum, path) => sum + readFileSync(join(ROOT, path), 'utf8').split('\n').length - 1, 0);
const filesOf = (request: string) => walks.find((found) => found.request === request)?.files.length ?? Number.NaN;

const measures: Measure[] = [
  { name: 'files that run for an append', now: filesOf('append'), goal: 22 },
  { name: 'files that run for a streamed session chat', now: filesOf('streamed session chat'), goal: 38 },
  {
    name: 'times a walk returns to a route that it left',
    now: Math.max(0, ...walks.flatMap(({ returns }) => Object.values(returns))),
    goal: 1,
  },
  { name: 'TypeScript files outside test/', now: files.length, goal: 420 },
  { name: 'lines of them', now: lines, goal: 45_000 },
  { name: 'cycles of value imports', now: valueCycles().length, goal: 0 },
  { name: 'cycles of type imports', now: typeCycles().length, goal: 0 },
];

const width = Math.max(...measures.map(({ name }) => name.length));
for (const { name, now, goal } of measures) {
  const verdict = now <= goal ? 'met' : 'over';
  console.log(`${name.padEnd(width)}  ${String(now).padStart(6)}  goal ${String(goal).padStart(6)}  ${verdict}`);
}
if (process.argv.includes('--walks')) {
  for (const { request, files } of walks) console.log(`\n${request}\n${files.map((path) => `  ${path}`).join('\n')}`);
}
if (process.argv.includes('--check') && measures.some(({ now, goal }) => now > goal)) process.exitCode = 1;
