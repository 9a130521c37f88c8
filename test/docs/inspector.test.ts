import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sourcesHash } from '../../docs/screenshots.ts';
import { FLAGS } from '../../emulator/cli/flags.ts';

const DOCS = new URL('../../docs/', import.meta.url);
const PAGE = readFileSync(new URL('inspector.md', DOCS), 'utf8');
const MOST_BYTES = 100_000;

it('docs/inspector.md shows three pictures of the page as it is: npm run docs makes them anew', () => {
  const images = [...PAGE.matchAll(/\]\((images\/[^)]+)\)/g)].map(([, path = '']) => readFileSync(new URL(path, DOCS)));
  expect(images).toHaveLength(3);
  for (const image of images) {
    expect(image.subarray(1, 4).toString()).toBe('PNG');
    expect(image.length).toBeGreaterThan(5_000);
    expect(image.length).toBeLessThan(MOST_BYTES);
  }
  expect(readFileSync(new URL('images/inspector.sha256', DOCS), 'utf8').trim()).toBe(sourcesHash());
});

it('the flags in docs/inspector.md exist', () => {
  for (const [, flag = ''] of PAGE.matchAll(/--([a-z][a-z-]+)/g)) expect(Object.keys(FLAGS)).toContain(flag);
});
