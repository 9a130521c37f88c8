import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import { startEmulator } from '../support/emulator.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ALIAS = {
  'kimi-emulator/client/file-checkpoint': join(ROOT, 'client/file-checkpoint.ts'),
  'kimi-emulator/client': join(ROOT, 'client/index.ts'),
};

const text = await readFile(join(ROOT, 'docs/client.md'), 'utf8');
const EXAMPLES = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(
  (match, index) => [index + 1, match[1] ?? ''] as const,
);

/** The emulator is not part of a bundle: it reads its own package.json. */
const IMPORT_EMULATOR = "import { createEmulator } from 'kimi-emulator';";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

/** A folder inside the project, so that packages are found from there. */
async function scratch(): Promise<string> {
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'docs-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('the examples of docs/client.md', () => {
  it('are four', () => expect(EXAMPLES).toHaveLength(4));

  it.each(EXAMPLES)('number %i runs', async (_, contents) => {
    const api = await startEmulator('over HTTP');
    vi.stubEnv('KIMI_BASE_URL', api.emulator.baseURL);
    vi.stubEnv('KIMI_API_KEY', 'sk-docs');
    const folder = await scratch();
    const outfile = join(folder, 'example.mjs');
    vi.stubGlobal('createEmulator', createEmulator);
    const code = contents
      .replace(IMPORT_EMULATOR, '')
      .replace("'.agent.json'", JSON.stringify(join(folder, 'agent.json')));
    await writeFile(join(folder, 'example.ts'), code);
    const entryPoints = [join(folder, 'example.ts')];
    const packages = 'external';
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', alias: ALIAS, packages });
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    onTestFinished(() => written.mockRestore());
    const logged = vi.spyOn(console, 'log').mockReturnValue(undefined);
    onTestFinished(() => logged.mockRestore());
    await import(/* @vite-ignore */ pathToFileURL(outfile).href);
    expect(written.mock.calls.length + logged.mock.calls.length).toBeGreaterThan(0);
  });
});
