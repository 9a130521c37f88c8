import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'kimi-pack-'));
let tarball = '';
let files: string[] = [];

/** What `npm pack` would publish, of the build as it stands. */
beforeAll(() => {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const answer = JSON.parse(
    execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  const packed = (Array.isArray(answer) ? answer[0] : Object.values(answer)[0]) as {
    filename: string;
    files: { path: string }[];
  };
  tarball = join(folder, packed.filename);
  files = packed.files.map((file) => file.path);
});
afterAll(() => rmSync(folder, { recursive: true }));

it('holds what is built and what users read, and no tests', () => {
  expect(files).toContain('dist/emulator/cli/main.js');
  expect(files).toContain('dist/contract/index.d.ts');
  expect(files).toContain('README.md');
  expect(files).toContain('LICENSE');
  expect(files.filter((file) => /(^|\/)(test|bench|node_modules)\//.test(file))).toEqual([]);
  // What runs where the package is installed: the others need the checkout.
  const examples = files.filter((file) => file.startsWith('examples/') && !file.endsWith('.txt'));
  expect(examples).toEqual(['examples/quickstart.py', 'examples/rolling_snapshot.py']);
  expect(files).toContain('examples/input/1-harbour-log.txt');
  expect(files.filter((file) => /\.ts$/.test(file) && !/\.d\.ts$/.test(file))).toEqual([]);
});

it('runs no script where it is installed', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  // npm asks for the consent of whoever installs a package with one of these, for a tarball also with `prepare`.
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) expect(scripts).not.toHaveProperty(name);
});

it('holds the rules and cases of the conformance kit, and nothing of its proof', () => {
  expect(files).toContain('dist/conformance/areas/truncate/rules.js');
  expect(files).toContain('dist/conformance/areas/truncate/cases.js');
  expect(files.filter((file) => /conformance\/proof\/|mutants\b/.test(file))).toEqual([]);
});

it('holds whatever its documents link to', () => {
  const documents = files.filter((file) => file.endsWith('.md') && !file.startsWith('dist/'));
  expect(documents).toContain('README.md');
  const missing = documents.flatMap((file) => {
    const links = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)];
    return links.map(([, link = '']) => join(dirname(file), link)).filter((target) => !files.includes(target));
  });
  expect(missing).toEqual([]);
});

it('names the licence of every package that the build has joined into it', () => {
  const licences = execFileSync('tar', ['-xOf', tarball, 'package/dist/emulator/THIRD-PARTY-LICENSES.md'], {
    encoding: 'utf8',
  });
  const built = files.filter((file) => file.startsWith('dist/emulator/') && file.endsWith('.js'));
  const joined = built.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return [...text.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(([, name]) => name);
  });
  expect(new Set(joined).size).toBeGreaterThan(0);
  for (const name of new Set(joined)) expect(licences).toMatch(new RegExp(`^# ${name}\n[^#]*copyright`, 'im'));
});

it('has no type of hono in what a user imports', () => {
  const seen = new Set<string>();
  const read = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    expect(text, file).not.toMatch(/from ['"](?:hono|@hono\/)/);
    for (const [, path = ''] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)\.[jt]s['"]/g))
      read(join(dirname(file), `${path}.d.ts`));
  };
  for (const entry of ['index', 'msw', 'vitest']) read(join(ROOT, `dist/emulator/${entry}.d.ts`));
  expect(seen.size).toBeGreaterThan(10);
});

it('is clean for publint', async () => {
  const { stdout } = await run('node_modules/.bin/publint', ['run', tarball, '--strict'], { cwd: ROOT });
  expect(stdout).toContain('All good!');
});

it('is clean for attw', async () => {
  // Ends with a failure where a problem is found.
  const args = [tarball, '--profile', 'esm-only', '--no-emoji'];
  const { stdout } = await run('node_modules/.bin/attw', args, { cwd: ROOT });
  for (const path of [
    '',
    '/contract',
    '/client',
    '/client/file-checkpoint',
    '/conformance',
    '/conformance/vitest',
    '/msw',
    '/vitest',
  ])
    expect(stdout).toContain(`"kimi-emulator${path}"`);
});
