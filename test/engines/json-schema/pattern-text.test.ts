import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesPattern } from '../../../emulator/engines/json-schema/pattern-match.ts';
import { textForPattern } from '../../../emulator/engines/json-schema/pattern-text.ts';

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

describe('patterns', () => {
  test('match what RegExp matches', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'B', 'c', 'x', 'z', 'q', '1', '_', '.', ' ', 'A', '金', '🙂'),
      maxLength: 8,
    });
    fc.assert(
      fc.property(pattern, text, (source, value) => {
        expect(matchesPattern(source, value)).toBe(new RegExp(source, 'u').test(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test('have texts that match them, of a wanted length where there are any', () => {
    fc.assert(
      fc.property(pattern, fc.nat(3), (source, variant) => {
        const text = textForPattern(source, 0, 100, variant);
        // Further variants there may not be; a first text there always is.
        if (variant === 0 || text !== undefined) expect(text).toMatch(new RegExp(source, 'u'));
      }),
    );
    expect(textForPattern('^[a-z]+$', 7, 7, 0)).toMatch(/^[a-z]{7}$/);
    expect(textForPattern('^[A-Z]{3}$', 4, 9, 0)).toBeUndefined();
  });

  test('may have names for groups', () => {
    expect(textForPattern('^(?<year>\\d{4})-(?<month>0[1-9])$', 0, 100, 0)).toMatch(/^\d{4}-0[1-9]$/);
  });

  test('give another text for each variant', () => {
    const texts = Array.from({ length: 50 }, (_, variant) => textForPattern('^[A-Z]{2}\\d{3}$', 0, 100, variant));
    expect(new Set(texts).size).toBe(50);
  });

  test('look ahead, refer back, and know borders and properties as RegExp does', () => {
    const part = fc.constantFrom(
      '(?=a)',
      '(?!b)',
      '(?=.*1)',
      '\\b',
      '\\B',
      '\\p{Lu}',
      '[\\p{L}_]+',
      '\\P{L}',
      '[^\\p{L}]?',
      'a*',
    );
    const parts = fc.array(part, { minLength: 1, maxLength: 4 }).map((list) => list.join(''));
    const source = fc.oneof(
      parts,
      parts.map((rest) => `^${rest}$`),
      parts.map((rest) => `(a|b|\\W)${rest}\\1`),
    );
    // No surrogates: V8 finds borders between the halves of one.
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '1', '_', ' ', '金'), maxLength: 6 });
    fc.assert(
      fc.property(source, text, (pattern, value) => {
        expect(matchesPattern(pattern, value)).toBe(new RegExp(pattern, 'u').test(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['^(?=.*\\d)(?=.*[a-z])[a-z\\d]{8,}$', 0],
    ['^(?=.*[A-Z])(?=.*[a-z])(?=.*\\d)(?=.*[^\\w\\s]).{8,}$', 0],
    ['^\\p{Lu}\\p{Ll}+$', 0],
    ['^\\p{Script=Han}{2}$', 0],
    ['^(?!NOT).*$', 0],
    ['^(a|b)\\1$', 0],
    ['\\bfoo\\b', 10],
  ])('%s has a text', (source, minLength) => {
    const text = textForPattern(source, minLength, 100, 0);
    expect(text).toMatch(new RegExp(source, 'u'));
    expect(text?.length).toBeGreaterThanOrEqual(minLength);
  });

  test.each(['(?<=a)b', '(?<x>a)\\k<x>', '\\p{Nothing}', '[', '(', 'a**', '*', '\\'])(
    'that are not understood match nothing: %s',
    (source) => {
      expect(matchesPattern(source, 'ab')).toBe(false);
      expect(textForPattern(source, 0, 10, 0)).toBeUndefined();
    },
  );

  test.each(['((a|a)*)*b', '^(?!((a|a)*)*$)b', '((((a)))*)*b', '(?=((a|a)*)*b)', '(a*)*\\1\\1b'])(
    'hold no stack: %s',
    (source) => {
      expect(matchesPattern(source, 'a'.repeat(4_000))).toBe(false);
    },
  );

  test('may have a hundred rounds', () => {
    expect(matchesPattern('^(?:(?:ab|c),)*$', 'ab,c,'.repeat(50))).toBe(true);
  });

  test.each(['^(a+)+$', '^(a|a)*$', '(.*)*x', '^(a?){50}a{50}$', '^(?!(a+)+$)', '^(?=(a+)+$)', '^(a+)+\\1$'])(
    'give up instead of running away: %s',
    (source) => {
      expect(matchesPattern(source, `${'a'.repeat(40)}!`)).toBe(false);
    },
  );
});
