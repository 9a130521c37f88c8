import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What a project of somebody else's has installed. */
const INSTALLED = ['vitest', 'openai', 'msw', 'jest', '@jest'];

/** A project of somebody else's, with the package as it was built and these files. */
export function makeProject(files: Record<string, string>): { folder: string; env: NodeJS.ProcessEnv; remove(): void } {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'kimi-project-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  symlinkSync(ROOT, join(modules, 'kimi-emulator'));
  for (const name of INSTALLED) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  const manifest = { type: 'module', jest: { testMatch: ['**/*.jest.test.mjs'], transform: {} } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  // As if its runner had been started by hand.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_TEST|TEST$|NODE_ENV)/.test(name)),
  );
  return { folder, env, remove: () => rmSync(folder, { recursive: true }) };
}
