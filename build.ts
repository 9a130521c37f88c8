import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, parse, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as buildPage } from 'esbuild';
import { build, type ChunkingContext, type OutputChunk } from 'rolldown';
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
const JOINED = ['image-size', 'zod'];
/** By name of a file: modules that are joined in it, with all that they import. Loaded at a start, or at a server's first requests. */
const FILES = {
  server: [
    'index',
    'engines/lookup/lookup',
    'routes/chat-completions',
    'routes/messages',
    'routes/models',
    'routes/sessions',
  ],
  command: ['cli/run'],
};

const packages = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies), manifest.name];
const external = packages.filter((name) => !JOINED.includes(name));

/** What these modules of the emulator import, directly or not, and themselves. */
function closure(names: readonly string[], context: ChunkingContext): Set<string> {
  const reached = new Set(names.map((name) => join(ROOT, `emulator/${name}.ts`)));
  // A set is walked with what is added on the way.
  for (const id of reached) for (const imported of context.getModuleInfo(id)?.importedIds ?? []) reached.add(imported);
  return reached;
}

const groups = Object.entries(FILES).map(([name, names], place) => {
  let modules: Set<string> | undefined;
  return {
    debugName: name,
    // A module of several files stands in the first.
    priority: Object.keys(FILES).length - place,
    name: (id: string, context: ChunkingContext) => {
      modules ??= closure(names, context);
      return modules.has(id) ? name : null;
    },
  };
});
const { output } = await build({
  cwd: ROOT,
  input: Object.fromEntries(ENTRIES.map((name) => [name, `emulator/${name}.ts`])),
  external: (id) => external.some((name) => id === name || id.startsWith(`${name}/`)),
  platform: 'node',
  transform: { target: 'node20.4' },
  logLevel: 'warn',
  // What is loaded late for a process that does not serve stands in one file with what a server starts with.
  checks: { ineffectiveDynamicImport: false },
  output: {
    dir: OUT,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: { groups },
  },
});
const chunks = output.filter((file): file is OutputChunk => file.type === 'chunk');

const written = new Set(chunks.map(({ fileName }) => join(OUT, fileName)));
for (const path of readdirSync(OUT, { recursive: true, encoding: 'utf8' }).map((name) => join(OUT, name))) {
  if (path.endsWith('.js') && !written.has(path)) rmSync(path);
}

/** The inspector's page, for browsers of the last three years. */
const PAGE = 'emulator/inspector/page';
await buildPage({
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
  chunks.some(({ moduleIds }) => moduleIds.some((id) => id.includes(`node_modules/${name}/`))),
);
const inPage = ['preact', 'uplot', '@tanstack/virtual-core'];
const licences = [...joined, ...inPage].map(
  (name) => `# ${name}\n\n${readFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8')}`,
);
writeFileSync(join(OUT, 'THIRD-PARTY-LICENSES.md'), licences.join('\n\n'));
process.stdout.write(`${relative(ROOT, OUT)}: ${written.size} files, with ${joined.join(', ')} in them\n`);
