import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { terms } from '../../../emulator/engines/text/sentences.ts';

describe('terms', () => {
  test.each([
    ['The Quick, brown fox!', ['the', 'quick', 'brown', 'fox']],
    ['snake_case', ['snake', 'case', 'snake_case']],
    ['ABC-123', ['abc', '123', 'abc-123']],
    ['see src/app.ts.', ['see', 'src', 'app', 'ts', 'src/app.ts']],
    ['userId', ['user', 'id', 'userid']],
    ['HTTPServer', ['http', 'server', 'httpserver']],
    ['iPhone15', ['i', 'phone15', 'iphone15']],
    ["don't", ['don', 't', "don't"]],
    ['3,500.25 or a, b', ['3', '500', '25', '3,500.25', 'or', 'a', 'b']],
    ['Ünïcode ÉTÉ', ['ünïcode', 'été']],
    ['金库密码', ['金库', '库密', '密码']],
    ['金', ['金']],
    ['用get_user查', ['用', 'get', 'user', 'get_user', '查']],
    ['ひらがな', ['ひら', 'らが', 'がな']],
    ['𠮷野家', ['𠮷野', '野家']],
    ['🙂 … —', []],
    ['', []],
  ])('of %j', (text, expected) => {
    expect(terms(text)).toEqual(expected);
  });

  test('cuts blobs into pieces and keeps no giant whole', () => {
    expect(terms('x'.repeat(130))).toEqual(['x'.repeat(64), 'x'.repeat(64), 'xx']);
    const path = Array.from({ length: 60 }, (_, index) => `dir${index}`).join('/');
    expect(terms(path)).toHaveLength(60);
  });

  test('gives lowercase terms without spaces, the same whatever stands around them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (left, right) => {
        for (const term of terms(left)) {
          expect(term).toBe(term.toLowerCase());
          expect(term).not.toMatch(/\s/);
        }
        expect(terms(`${left}\n${right}`)).toEqual([...terms(left), ...terms(right)]);
      }),
    );
  });

  test.each(['a', 'a.', '金', ' ', 'aB', '🙂', 'a_', '\ud800'])('ends on 150,000 units of %j', (unit) => {
    expect(terms(unit.repeat(150_000 / unit.length)).length).toBeLessThanOrEqual(150_000);
  });
});
