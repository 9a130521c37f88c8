import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern, PatternError } from '../../../emulator/engines/patterns/pattern.ts';

const atom = fc.constantFrom(
  'a',
  'B',
  '\\d',
  '\\w',
  '\\s',
  '[a-c]',
  '[^a-c]',
  '[0-9_-]',
  '.',
  '\\.',
  '\\u0041',
  '金',
  '(?:ab|c)',
  '(x|y|)',
  '[^\\w]',
  '\\p{Lu}',
  '[\\p{L}_]',
  '[^\\p{L}]',
  '\\P{L}',
);
const quantified = fc
  .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '+?'))
  .map((parts) => parts.join(''));
const pattern = fc
  .tuple(
    fc.constantFrom('', '^'),
    fc.array(quantified, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '$'),
    fc.constantFrom('', '|^q+$'),
  )
  .map(([start, middle, end, other]) => start + middle.join('') + end + other);

const example = (source: string, minLength = 0, maxLength = 100, variant = 0): string | undefined =>
  compilePattern(source).example(minLength, maxLength, variant);

describe('a pattern', () => {
  test('matches what RegExp matches', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'B', 'c', 'x', 'z', 'q', '1', '_', '.', ' ', 'A', '金', '🙂'),
      maxLength: 8,
    });
    fc.assert(
      fc.property(pattern, text, (source, value) => {
        expect(compilePattern(source).test(value)).toBe(new RegExp(source, 'u').test(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['AB', 'i', 'xab', true],
    ['^b', 'm', 'a\nb', true],
    ['a.b', 's', 'a\nb', true],
    ['a.b', '', 'a\nb', false],
    ['ab', 'y', 'xab', false],
    ['ab', 'gdu', 'xab', true],
    ['(?<=a)b', '', 'ab', true],
    ['(?<!a)b', '', 'ab', false],
    ['(?<year>\\d{4})', '', '2024', true],
    ['^\\p{Script=Han}{2}$', 'u', '金文', true],
    ['^(?:(?:ab|c),)*$', '', 'ab,c,'.repeat(50), true],
  ])('/%s/%s on %j gives %s', (source, flags, text, expected) => {
    expect(compilePattern(source, flags).test(text)).toBe(expected);
  });

  test.each([
    [
      'a(?=b)',
      '',
      '/a(?=b)/: lookaheads, and groups in lookbehinds, are not supported: patterns run on RE2, which cannot hang',
    ],
    ['(a)\\1', '', '/(a)\\1/: back-references are not supported: patterns run on RE2, which cannot hang'],
    ['(?<x>a)\\k<x>', '', '/(?<x>a)\\k<x>/: back-references are not supported: patterns run on RE2, which cannot hang'],
    ['[a--b]', 'v', '/[a--b]/v: the flag v is not supported: patterns run on RE2, which cannot hang'],
    ['(', '', '/(/: missing closing ): `(`'],
    ['a**', '', '/a**/: invalid nested repetition operator: `**`'],
  ])('refuses /%s/%s with its reason', (source, flags, message) => {
    expect(() => compilePattern(source, flags)).toThrow(new PatternError(message));
  });

  test.each(['^(a+)+$', '(a+)+$', '^(a|a)*$', '(.*)*x', '^(a?){50}a{50}$', '((a|a)*)*b', '((((a)))*)*b', '(x+x+)+y'])(
    '%s does not hang on 100,000 characters',
    (source) => {
      const before = process.cpuUsage();
      expect(compilePattern(source).test(`${'a'.repeat(100_000)}!`)).toBe(false);
      expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
    },
  );
});

describe('an example of a pattern', () => {
  test('matches, and has the wanted length where there is one', () => {
    fc.assert(
      fc.property(pattern, fc.nat(3), (source, variant) => {
        const text = example(source, 0, 100, variant);
        // There may be no further variants; there always is a first text.
        if (variant === 0 || text !== undefined) expect(text).toMatch(new RegExp(source, 'u'));
      }),
    );
    expect(example('^[a-z]+$', 7, 7)).toMatch(/^[a-z]{7}$/);
    expect(example('^[A-Z]{3}$', 4, 9)).toBeUndefined();
  });

  test('is another for each variant', () => {
    const texts = Array.from({ length: 50 }, (_, variant) => example('^[A-Z]{2}\\d{3}$', 0, 100, variant));
    expect(new Set(texts).size).toBe(50);
  });

  test.each<[string, number, string | undefined]>([
    ['^(USD|EUR)$', 0, 'USD'],
    ['^\\p{Lu}\\p{Ll}+$', 0, 'Aa'],
    ['^\\p{Script=Han}{2}$', 0, '金金'],
    ['\\bfoo\\b', 10, 'foo       '],
    ['^(?<year>\\d{4})-(?<month>0[1-9])$', 0, '0000-01'],
    ['^(?:x|yy)*$', 5, 'yyyyx'],
    ['a$b', 0, undefined],
    ['((a{0,9}){0,9}){0,9}$', 0, ''],
  ])('of %s with %i characters at least', (source, minLength, expected) => {
    expect(example(source, minLength)).toBe(expected);
  });
});
