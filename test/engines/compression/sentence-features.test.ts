import { describe, expect, test } from 'vitest';
import { isBrief, sectionOf } from '../../../emulator/engines/compression/sentence-features.ts';

describe('a few words', () => {
  test.each([
    'Thanks!',
    'Yes, please.',
    'Vielen Dank!',
    'Большое спасибо',
    'Muchas gracias.',
    '好的，谢谢您！',
    'ありがとう',
  ])('say nothing alone, in any language: %j', (text) => expect(isBrief(text)).toBe(true));

  test.each(['Gate 4711.', 'Ask Marta Kowalski.', 'Run `make`', 'Cancel the later flight please.', '删除之前先问我。'])(
    'say something with a number, a name, code or another word: %j',
    (text) => expect(isBrief(text)).toBe(false),
  );
});

describe('a rule', () => {
  test.each(['Keep at least 3 copies.', 'Spend at most $500 on it.', 'Wait at least an hour.'])(
    'bounds an amount: %j',
    (text) => expect(sectionOf(text, 'user', false)).toBe('constraints'),
  );

  test('is not what somebody would have at least', () => {
    expect(sectionOf('Could you at least look it up?', 'user', false)).toBe('notes');
  });
});
