import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { withOptions } from '../../docs/options-table.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const README = readFileSync(`${ROOT}README.md`, 'utf8');
const BLOCKS = [...README.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);

it('the README shows the loop of the example, word for word', () => {
  const example = readFileSync(`${ROOT}examples/chat-round.ts`, 'utf8');
  const body = (code: string) => code.slice(code.indexOf('/**')).trim();
  expect(body(BLOCKS[0] ?? '')).toBe(body(example));
});

it('the in-process example of the README runs', () => {
  const file = `${ROOT}test/docs/readme-example.${process.pid}.mts`;
  onTestFinished(() => rmSync(file));
  writeFileSync(file, BLOCKS[1] ?? '');
  const printed = execFileSync(process.execPath, ['--import', 'tsx', file], { cwd: ROOT, encoding: 'utf8' });
  expect(printed.trim()).toBe('7');
});

it('the README has the current options (npm run docs)', () => {
  expect(README).toBe(withOptions(README));
});

it('the commands of the README exist', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> };
  for (const [, name = ''] of README.matchAll(/npm (?:run )?(start|test|example)\b/g))
    expect(scripts).toHaveProperty(name);
  for (const [, path = ''] of README.matchAll(/\]\(([\w./-]+)\)/g))
    expect(readFileSync(ROOT + path, 'utf8')).not.toBe('');
});
