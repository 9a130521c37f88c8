import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../examples/command.ts';
import { UsageError } from '../../examples/input.ts';

describe('flags of the example', () => {
  it('have defaults', () => {
    expect(parseFlags([])).toEqual({ path: undefined, trigger: 90_000, crossings: 2, help: false });
    expect(parseFlags(['texts', '--trigger=8001'])).toMatchObject({ path: 'texts', trigger: 8_001 });
  });

  it.each([
    ['--trigger', '8000'],
    ['--trigger', '240001'],
    ['--trigger', '9e4'],
    ['--trigger'],
    ['--crossings', '0'],
    ['--crossings', '-1'],
    ['--unknown'],
    ['one', 'two'],
  ])('are refused in one line: %s %s', (...args) => {
    const parse = () => parseFlags(args.filter((arg) => arg !== undefined));
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(/^[^\n]+$/);
  });
});
