import { describe, expect, test } from 'vitest';
import { isPleasantry, sectionOf } from '../../../emulator/engines/compression/sentence-features.ts';

describe('a pleasantry', () => {
  test.each([
    'Thanks for explaining that.',
    'Yes, I would appreciate that.',
    "No, that's okay.",
    'That would be helpful.',
    'I can help you with that.',
    'Would you like me to do that?',
    '好的，谢谢您！',
  ])('says nothing: %j', (text) => expect(isPleasantry(text)).toBe(true));

  test.each([
    'Thanks, the code is 4711.',
    'I appreciate that, but cancel the flight.',
    'I can help you with that refund.',
    'That would be 40 euros.',
  ])('is not one that says something: %j', (text) => expect(isPleasantry(text)).toBe(false));
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
