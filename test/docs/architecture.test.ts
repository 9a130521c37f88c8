import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);

it('ARCHITECTURE.md names every folder of the emulator', () => {
  const text = readFileSync(new URL('ARCHITECTURE.md', ROOT), 'utf8');
  const entries = readdirSync(new URL('emulator', ROOT), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${name}/`);
  expect(folders.filter((folder) => !text.includes(folder))).toEqual([]);
});
