import { expect, it } from 'vitest';
import { Progress } from '../../examples/screen.ts';

function written(isTTY: boolean): string[] {
  const lines: string[] = [];
  const progress = new Progress({ isTTY, write: (text) => lines.push(text) }, 1_000);
  for (let tokens = 0; tokens <= 1_100; tokens += 25) progress.show(tokens, tokens / 25);
  progress.say('cut');
  return lines;
}

it('progress redraws one line on a terminal', () => {
  const lines = written(true);
  expect(lines).toHaveLength(46);
  expect(lines.every((line) => line.startsWith('\r\x1b[K'))).toBe(true);
  expect(lines.slice(0, -1).every((line) => !line.includes('\n'))).toBe(true);
  expect(lines.at(-1)).toBe('\r\x1b[Kcut\n');
});

it('progress writes a plain line for every tenth without a terminal', () => {
  const lines = written(false);
  expect(lines).toHaveLength(11 + 1);
  for (const control of ['\r', '\x1b']) expect(lines.join('')).not.toContain(control);
  expect(lines[5]).toBe('[###############---------------]     500 of 1,000 tokens, round 20\n');
  expect(lines[10]).toBe('[##############################]   1,000 of 1,000 tokens, round 40\n');
});
