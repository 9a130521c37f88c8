import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_SENTENCE, sentenceAt, sentences } from '../../../emulator/engines/text/sentences.ts';
import { readShared } from '../../support/shared.ts';

const split = (text: string): string[] => sentences(text).map(({ start, end }) => text.slice(start, end));

describe('sentences', () => {
  test.each([
    ['One. Two! Three?', ['One.', 'Two!', 'Three?']],
    ['One line\nanother\r\n\r\n  third  ', ['One line', 'another', 'third']],
    ['He said "Stop." Then he left.', ['He said "Stop."', 'Then he left.']],
    ['Wait... what?! Yes.', ['Wait...', 'what?!', 'Yes.']],
    [
      'Version 1.2.3 costs 3.50 at https://a.io/x.y?z=1 or in app.ts now.',
      ['Version 1.2.3 costs 3.50 at https://a.io/x.y?z=1 or in app.ts now.'],
    ],
    [
      'Fruit, e.g. apples, i.e. food. Dr. Smith met J. R. Tolkien.',
      ['Fruit, e.g. apples, i.e. food.', 'Dr. Smith met J. R. Tolkien.'],
    ],
    [
      'Pens, paper, etc. are here. Pens, etc. They are here.',
      ['Pens, paper, etc. are here.', 'Pens, etc.', 'They are here.'],
    ],
    ['So did I. We left.', ['So did I.', 'We left.']],
    ['1. First\n2. Second', ['1. First', '2. Second']],
    ['他来了。她说：“走吧！”然后走了？是；好', ['他来了。', '她说：“走吧！”', '然后走了？', '是；', '好']],
    ['Really?那好。OK!走吧, see a.io/?q=红楼 now', ['Really?', '那好。', 'OK!', '走吧, see a.io/?q=红楼 now']],
    ['   ', []],
  ])('of %j', (text, expected) => {
    expect(split(text)).toEqual(expected);
  });

  test('splits a run without an end at a comma or a space, never in a character', () => {
    const prose = split('a few words, '.repeat(200));
    expect(
      prose.every(
        (sentence) => sentence.length <= MAX_SENTENCE && /^(?:a|few|words).*(?:a|few|words,)$/.test(sentence),
      ),
    ).toBe(true);
    expect(split('🙂'.repeat(1000)).every((sentence) => sentence.isWellFormed())).toBe(true);
  });

  test('covers all but space, in order, in spans that are not too long', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', 'B', '. ', '.', '! ', '\n', ' ', '。', '”', '1', ',', '🙂', '金', 'e.g.'),
          maxLength: 2000,
        }),
        (text) => {
          let end = 0;
          for (const span of sentences(text)) {
            expect(span.end).toBeGreaterThan(span.start);
            expect(span.end - span.start).toBeLessThanOrEqual(MAX_SENTENCE);
            expect(text.slice(end, span.start)).toMatch(/^\s*$/);
            end = span.end;
          }
          expect(text.slice(end)).toMatch(/^\s*$/);
        },
      ),
    );
  });

  test.each(['a', '.', '. ', ')', '。”', ' ', 'A. ', 'e.g. '])('ends on 150,000 units of %j', (unit) => {
    const text = unit.repeat(150_000 / unit.length);
    expect(sentences(text).every(({ start, end }) => end - start <= MAX_SENTENCE)).toBe(true);
  });

  test('splits a novel into sentences of a human length', (context) => {
    const novel = readShared(context, 'novel');
    const spans = sentences(novel);
    const mean = spans.reduce((sum, { start, end }) => sum + end - start, 0) / spans.length;
    expect(mean).toBeGreaterThan(10);
    expect(mean).toBeLessThan(60);
  });
});

describe('sentenceAt', () => {
  test('finds what sentences() finds, from anywhere in it', () => {
    const text = 'One line. Dr. Smith, e.g., came!\n他来了。她说：“走吧！”然后走了';
    for (const { start, end } of sentences(text)) {
      for (let at = start; at < end; at += 1) expect(sentenceAt(text, at)).toEqual({ start, end });
    }
  });

  test('holds the place in a run without an end', () => {
    const text = 'words and '.repeat(1000);
    const { start, end } = sentenceAt(text, 5000);
    expect(start).toBeLessThanOrEqual(5000);
    expect(end).toBeGreaterThan(5000);
    expect(end - start).toBeLessThanOrEqual(2 * MAX_SENTENCE);
  });
});
