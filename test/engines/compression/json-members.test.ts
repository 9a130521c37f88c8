import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonMembers, looksLikeJson } from '../../../emulator/engines/compression/json-members.ts';

const members = (text: string) => [...jsonMembers(text)].filter((member) => member !== undefined);
const told = (text: string) => members(text).map(({ key, value }) => `${key}: ${value}`);

describe('jsonMembers', () => {
  it('gives scalars under the last two keys of their path', () => {
    const text = JSON.stringify({
      id: 'A1',
      name: { first: 'Mia', last: 'Li' },
      deep: { er: { still: true } },
      none: null,
    });
    expect(told(text)).toEqual(['id: A1', 'name.first: Mia', 'name.last: Li', 'er.still: true', 'none: null']);
  });

  it('keeps the items of an array apart as records, and joins scalars', () => {
    const found = members('{"tags":["x","y",3],"rows":[{"n":1},{"n":2,"sub":[{"m":3}]}]}');
    expect(found.map(({ key, value, record }) => [key, value, record])).toEqual([
      ['tags', 'x, y, 3', 1],
      ['n', '1', 2],
      ['n', '2', 3],
      ['m', '3', 4],
    ]);
  });

  it('finds every scalar of any JSON text, however it is spaced', () => {
    const value = fc.oneof(fc.integer(), fc.boolean(), fc.string({ maxLength: 40 }));
    const key = fc.string({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name }),
        fc.constantFrom(0, 2),
        (pairs, space) => {
          // Pairs rather than an object: `__proto__` is a key like any other.
          const body = pairs.map(([name, one]) => `${JSON.stringify(name)}:${' '.repeat(space)}${JSON.stringify(one)}`);
          const found = members(`{${body.join(',\n'.slice(0, 1 + space / 2))}}`).filter(
            ({ kind }) => kind === 'member',
          );
          const expected = pairs.filter(([, one]) => !String(one).includes('\n'));
          expect(found.map(({ key: name, value: one }) => [name, one])).toEqual(
            expected.map(([name, one]) => [name, String(one)]),
          );
        },
      ),
    );
  });

  it('hands long strings and what follows the JSON over as texts', () => {
    const log = 'line one\nline two';
    expect(members(JSON.stringify({ log }))).toMatchObject([{ kind: 'text', value: log }]);
    expect(members('{"a":1} and then words').at(-1)).toMatchObject({ kind: 'rest', value: 'and then words' });
  });

  it('gives what a cut or broken text still holds', () => {
    expect(told('{"a":1,"b":{"c":"two","d":"thr')).toEqual(['a: 1', 'b.c: two', 'b.d: thr']);
    expect(told('{"a":1}}]{"b":2}')).toEqual(['a: 1', 'b: 2']);
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'{}[]":,\\a1 \n') }), (text) => void members(text)));
  });

  it('does not parse texts that are not JSON', () => {
    expect(looksLikeJson(' {"a": 1}')).toBe(true);
    expect(looksLikeJson('[{"a": 1}]')).toBe(true);
    for (const text of ['[2026-11-02] started', '{braces} in words', 'a [list]', ''])
      expect(looksLikeJson(text)).toBe(false);
  });
});
