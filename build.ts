import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, parse, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import manifest from './package.json' with { type: 'json' };

/**
 * Joins what tsc has built of the emulator into a few files: a process that opens hundreds of small ones starts slower, and
 * zod comes with the texts of forty languages, which are loaded unless a bundler leaves them out (bench/start.ts).
 * The contract, the client and the kit stay as they are: who uses them has a bundler, or the time.
 */
const ROOT = fileURLToPath(new URL('.', import.meta.url));
const OUT = join(ROOT, 'dist/emulator');
/** What commands share is a module of its own each: the kit imports it too. */
const SHARED = readdirSync(join(ROOT, 'emulator/terminal')).map((name) => `terminal/${parse(name).name}`);
const ENTRIES = ['cli/main', 'index', 'msw', 'simulate/index', 'simulate/worker', 'vitest', ...SHARED];
/** Loaded at every start. What is native, large data, or the user's own copy is not to be joined. */
const JOINED = ['@hono/node-server', 'hono', 'zod'];

const packages = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies), manifest.name];
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ENTRIES.map((name) => `emulator/${name}.ts`),
  outdir: OUT,
  chunkNames: 'chunks/[name]-[hash]',
  external: packages.filter((name) => !JOINED.includes(name)).flatMap((name) => [name, `${name}/*`]),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.3',
  metafile: true,
  logLevel: 'warning',
});

const written = new Set(Object.keys(metafile.outputs).map((path) => join(ROOT, path)));
for (const path of readdirSync(OUT, { recursive: true, encoding: 'utf8' }).map((name) => join(OUT, name))) {
  if (path.endsWith('.js') && !written.has(path)) rmSync(path);
}

/** The inspector's page, for browsers of the last three years. */
const PAGE = 'emulator/inspector/page';
await build({
  absWorkingDir: ROOT,
  entryPoints: { page: `${PAGE}/main.tsx` },
  outdir: join(OUT, 'inspector/page'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
});
for (const name of ['index.html', 'icon.svg']) copyFileSync(join(ROOT, PAGE, name), join(OUT, 'inspector/page', name));

const joined = JOINED.filter((name) =>
  Object.keys(metafile.inputs).some((path) => path.includes(`node_modules/${name}/`)),
);
const inPage = ['preact', 'uplot', '@tanstack/virtual-core'];
const licences = [...joined, ...inPage].map(
  (name) => `# ${name}\n\n${readFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8')}`,
);
writeFileSync(join(OUT, 'THIRD-PARTY-LICENSES.md'), licences.join('\n\n'));
process.stdout.write(`${relative(ROOT, OUT)}: ${written.size} files, with ${joined.join(', ')} in them\n`);
