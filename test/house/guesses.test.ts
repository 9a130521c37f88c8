import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './graph.ts';

it('docs/guesses.md answers fourteen questions with paths that exist', () => {
  const page = readFileSync(join(ROOT, 'docs/guesses.md'), 'utf8');
  const paths = [...page.matchAll(/^\| [^|]+ \| `([^`]+)` \|$/gm)].map(([, path = '']) => path);
  expect(paths).toHaveLength(14);
  for (const path of paths) expect(existsSync(join(ROOT, path)), path).toBe(true);
});
