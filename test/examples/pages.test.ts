import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { pageSteps } from '../../examples/input.ts';

async function pagesOf(content: string | Buffer): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kimi-pages-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'text');
  await writeFile(path, content);
  const asked: string[] = [];
  for await (const step of pageSteps(path, 'text', 1)) if ('ask' in step) asked.push(step.ask);
  return asked;
}

const withoutSpace = (text: string) => text.replaceAll(/\s/g, '');
const body = (asked: string) => asked.split('\n\n').slice(1, -1).join('\n\n');

it.each([
  ['lines', 'A line that is neither long nor short.\n'.repeat(900)],
  ['one line', 'word '.repeat(5_000)],
  ['Chinese', '灯塔不需要记住每一条船。\n'.repeat(1_500)],
  ['characters of four bytes', '🌍𠀀'.repeat(4_000)],
  [
    'lines of very different lengths',
    Array.from({ length: 90 }, (_, index) => '灯'.repeat((index * 37) % 800)).join('\n'),
  ],
])('pages contain the whole text, each within one write: %s', async (_, text) => {
  const pages = await pagesOf(text);
  expect(withoutSpace(pages.map(body).join(''))).toBe(withoutSpace(text));
  // A text of N bytes has at most N tokens, in any vocabulary.
  for (const page of pages) expect(Buffer.byteLength(page)).toBeLessThanOrEqual(8_192 - 4);
});

it('pages skip files that are not text', async () => {
  expect(await pagesOf('')).toEqual([]);
  expect(await pagesOf(' \n\n')).toEqual([]);
  expect(await pagesOf(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff]))).toEqual([]);
  expect(await pagesOf('text\0')).toEqual([]);
});
