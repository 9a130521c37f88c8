import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePackedRanks, parseRankLines } from '../../../emulator/engines/tokens/vocabulary-files.ts';
import { finish, tokenBytes } from './small-vocabulary.ts';

const tokenLists = fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { maxLength: 30 });
const base64 = (token: Uint8Array): string => Buffer.from(token).toString('base64');
const plain = ({ bytes, starts }: ReturnType<typeof tokenBytes>) => ({ bytes: Buffer.from(bytes), starts });

test('rank lines are read back, with any line ends', () => {
  fc.assert(
    fc.property(tokenLists, fc.constantFrom('\n', '\r\n'), (tokens, lineEnd) => {
      const file = Buffer.from(tokens.map((token, rank) => `${base64(token)} ${rank}${lineEnd}`).join(''));
      expect(plain(finish(parseRankLines(file)))).toEqual(plain(tokenBytes(tokens)));
      expect(plain(finish(parseRankLines(file.subarray(0, file.length - lineEnd.length))))).toEqual(
        plain(tokenBytes(tokens)),
      );
    }),
  );
});

test('packed ranks are read back, over several lines too', () => {
  fc.assert(
    fc.property(tokenLists, tokenLists, (first, second) => {
      const line = (tokens: Uint8Array[], rank: number) => ['!', rank, ...tokens.map(base64)].join(' ');
      const lines = [line(first, 0), line(second, first.length)].filter(
        (_, i) => (i === 0 ? first : second).length > 0,
      );
      expect(plain(finish(parsePackedRanks(lines.join('\n'))))).toEqual(plain(tokenBytes([...first, ...second])));
    }),
  );
});

describe('what is damaged is refused', () => {
  test.each([
    ['IQ== 0\nIg== 2\n', 'line 2'],
    ['IQ== 0\nIg==\n', 'line 2'],
    ['IQ== 0\nIg== \n', 'line 2'],
    ['IQ== 0\nIg== 1x\n', 'line 2'],
    ['IQ== 0\nIg= 1\n', 'line 2'],
    ['IQ== 0\nI*== 1\n', 'line 2'],
    ['IQ== 0\n 1\n', 'line 2'],
    ['IQ== 0\n\nIg== 1\n', 'line 2'],
    ['IQ== 0\n<html>\n', 'line 2'],
    ['IQ== 0\n==== 1\n', 'line 2'],
  ])('rank lines %j', (file, problem) => {
    expect(() => finish(parseRankLines(Buffer.from(file)))).toThrow(problem);
  });

  test.each(['IQ== Ig==', '! 1 IQ==', '! 0 IQ== I*==', '! 0 IQ==\n! 2 Ig==', '! 0 IQ==  Ig=='])(
    'packed ranks %j',
    (packed) => {
      expect(() => finish(parsePackedRanks(packed))).toThrow(RangeError);
    },
  );
});
