import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A project of somebody else's, with the package as it was built and these files. @param leftOut modules that it lacks */
export function makeProject(
  files: Record<string, string>,
  leftOut: readonly string[] = [],
): { folder: string; env: NodeJS.ProcessEnv; remove(): void } {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'kimi-project-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.') && !leftOut.includes(name))
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  // A copy, as an installation makes: a runner transforms what a link leads to, as if it were the project's own.
  for (const name of ['package.json', 'dist']) {
    cpSync(join(ROOT, name), join(modules, 'kimi-emulator', name), { recursive: true });
  }
  const manifest = { type: 'module', jest: { testMatch: ['**/*.jest.test.mjs'], transform: {} } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  // As if its runner had been started by hand.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_TEST|TEST$|NODE_ENV)/.test(name)),
  );
  return { folder, env, remove: () => rmSync(folder, { recursive: true }) };
}
