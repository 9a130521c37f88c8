import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startVitest } from 'vitest/node';

/**
 * `npm run test:fast`: the tests nearest to what has changed since `main`, as many as fit into the time. A test that has
 * changed comes first; then what reaches a changed file: the test of its name, those in the folder of its folder's name, and
 * the others by the number of imports between.
 */
const BUDGET_MS = 20_000;
/** For a file that has not run here yet. */
const UNKNOWN_MS = 1_000;
const CACHE = 'node_modules/.vite/vitest';

/** Values only: a change of a type is seen by the compiler. */
const IMPORT = /^(?:import|export)(?! type\b)[^;]*?'(\.{1,2}\/[^']+)';|import\('(\.[^']+)'\)|new URL\('([^']+)'/gm;

function git(...args: string[]): string[] {
  return execFileSync('git', args, { encoding: 'utf8' }).split('\n').filter(Boolean);
}

/** What differs from the commit that this branch left `main` at, committed or not. */
function changedFiles(): string[] {
  const [main] = git('for-each-ref', '--format=%(refname)', 'refs/heads/main', 'refs/remotes/origin/main');
  const [base = 'HEAD'] = main ? git('merge-base', 'HEAD', main) : [];
  return [...git('diff', '--name-only', base), ...git('ls-files', '--others', '--exclude-standard')];
}

/** The files that import each file, or start it as a program; of a page, those that name it. */
function importersOf(files: readonly string[], pages: readonly string[]): Map<string, string[]> {
  const importers = new Map<string, string[]>();
  const add = (imported: string, file: string) => importers.set(imported, [...(importers.get(imported) ?? []), file]);
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    for (const [, ...paths] of text.matchAll(IMPORT)) {
      add(join(dirname(file), paths.find((path) => path !== undefined) ?? ''), file);
    }
    for (const page of pages) if (text.includes(page)) add(page, file);
  }
  return importers;
}

/** The tests that reach a changed file, with the number of imports between. */
function distances(changed: readonly string[], importers: ReadonlyMap<string, string[]>): Map<string, number> {
  const reached = new Map(changed.map((file) => [file, 0]));
  // A map is walked with what is added on the way.
  for (const [file, distance] of reached) {
    for (const importer of importers.get(file) ?? []) {
      if (!reached.has(importer)) reached.set(importer, distance + 1);
    }
  }
  return new Map([...reached].filter(([file]) => file.endsWith('.test.ts')));
}

/** How long each test file took when it last ran here, in milliseconds. */
function knownDurations(): Map<string, number> {
  const known = new Map<string, number>();
  for (const folder of existsSync(CACHE) ? readdirSync(CACHE) : []) {
    const path = join(CACHE, folder, 'results.json');
    if (!existsSync(path)) continue;
    const { results } = JSON.parse(readFileSync(path, 'utf8')) as { results: [string, { duration: number }][] };
    for (const [name, { duration }] of results) known.set(name.replace(/^.*:/, ''), duration);
  }
  return known;
}

const files = git('ls-files', '--cached', '--others', '--exclude-standard', '*.ts').filter((file) => existsSync(file));
const changed = changedFiles();
const pages = changed.filter((file) => !file.endsWith('.ts'));
const mirrors = changed.map((file) => `test/${file.replace(/^(?:emulator|test)\//, '')}`);
const namesakes = new Set(mirrors.map((file) => file.replace(/\.ts$/, '.test.ts')));
const folders = new Set(mirrors.map((file) => dirname(file)));
/** The less, the sooner. */
const rankOf = ([test, distance]: [string, number]): number => {
  if (distance === 0 || namesakes.has(test)) return 0;
  return folders.has(dirname(test)) ? 1 : distance + 1;
};
const near = [...distances(changed, importersOf(files, pages))]
  .filter(([file]) => existsSync(file))
  .sort((a, b) => rankOf(a) - rankOf(b));
const durations = knownDurations();
let left = BUDGET_MS;
const chosen = near.flatMap(([file]) => {
  const took = durations.get(file) ?? UNKNOWN_MS;
  if (took > left) return [];
  left -= took;
  return [file];
});
console.log(`changed: ${changed.length} files; reached by ${near.length} test files, of which ${chosen.length} run`);
const tooLong = near.flatMap(([file, distance]) => (distance === 0 && !chosen.includes(file) ? [file] : []));
if (tooLong.length > 0) console.log(`changed, and too long for this: ${tooLong.join(', ')}`);
if (chosen.length > 0) {
  const vitest = await startVitest('test', chosen, { watch: false });
  await vitest.close();
}
