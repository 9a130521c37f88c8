import { describe, expect, test } from 'vitest';

import * as orders from '../../../emulator/engines/lookup/exact-reply.ts';
import { ask, system, user } from './ask.ts';

const exactReply = (message: string): Promise<string | undefined> =>
  orders.exactReply(message, new AbortController().signal);

describe('an order to reply word for word', () => {
  test.each([
    ['Reply with only OK', 'OK'],
    ['Reply with exactly: Hello, world!', 'Hello, world!'],
    ['Please respond with exactly "a b c" and nothing else.', 'a b c'],
    ['Reply with exactly: Done.', 'Done.'],
    ['Reply with exactly Done.', 'Done'],
    ['只回复：完成。', '完成。'],
    ['Say only hello', 'hello'],
    ['Say "hello" only', 'hello'],
    ['Answer with just 42.', '42'],
    ['Just say hi', 'hi'],
    ['Only reply with OK', 'OK'],
    ['Reply with OK only.', 'OK'],
    ['Reply "yes" and nothing else', 'yes'],
    ['Reply with only the word PONG.', 'PONG'],
    ['Reply with the single word: pong', 'pong'],
    ['Reply only with the following text: foo bar', 'foo bar'],
    ['Reply with exactly:\nline 1\nline 2', 'line 1\nline 2'],
    ['Reply with only:\n```json\n{"a": 1}\n```', '{"a": 1}'],
    ['Output exactly `x = 1`', 'x = 1'],
    ['Reply with only OK. Do not add anything else.', 'OK'],
    ['Can you hear me? Reply with only OK', 'OK'],
    ['只回复OK', 'OK'],
    ['请只回答“好的”。', '好的'],
    ['请只回复：收到', '收到'],
    ['仅回答 是', '是'],
    ['回复“收到”即可', '收到'],
    ['请回复：收到，不要其他内容', '收到'],
    ['请直接回复OK两个字', 'OK'],
  ])('%j', async (message, reply) => {
    expect(await exactReply(message)).toBe(reply);
    expect(await ask([system('The word is: NOPE. Be brief.'), user(message)])).toBe(reply);
  });

  test.each([
    'What is the vault code?',
    'Reply with only the vault code.',
    'What is 2 + 2? Reply with only the number.',
    'What is the colour? Answer with just the colour.',
    'If you do not know, reply with only UNKNOWN.',
    'Reply with only UNKNOWN if it is missing.',
    'Do not reply with only OK.',
    'She wanted to reply with only a smile.',
    '金库的密码是多少？只回答数字。',
    '如果不知道，只回复不知道',
  ])('is not in %j', async (message) => {
    expect(await exactReply(message)).toBeUndefined();
  });

  test('leaves a description of the answer to the context', async () => {
    const history = [user('The vault code is 7391.')];
    expect(await ask([...history, user('Reply with only the vault code.')])).toBe('7391');
    expect(await ask([...history, user('What is the vault code? Reply with only the number.')])).toBe('7391');
    expect(await ask([user('金库的密码是7391'), user('金库的密码是多少？只回答数字。')])).toBe('7391');
  });

  test('holds for the last user message only', async () => {
    expect(await ask([user('Reply with only OK'), user('What is the vault code?')])).toBe('NOT_FOUND');
  });

  const filler = 'The committee met in the old hall and spoke about the harvest. '.repeat(100);
  const long = [
    ['word '.repeat(500).trim(), 'words'],
    ['word '.repeat(50_000).trim(), 'very many words'],
    ['界'.repeat(3_000), 'Han characters'],
    ['界😀'.repeat(3_000), 'characters beyond the BMP'],
    [filler.trim(), 'sentences'],
  ] as const;

  test.each(long)('is found before a long text: %#', async (text) => {
    expect(await ask(`Reply with exactly: ${text}`)).toBe(text);
    expect(await ask(`Hello! ${filler}\nReply with exactly "${text}" and nothing else.`)).toBe(text);
    expect(await ask(`只回复：${text}`)).toBe(text);
    expect(await ask(`Reply with exactly:\n${text}\n${text}`)).toBe(`${text}\n${text}`);
    expect(await ask(`Reply with only OK.\n\n${text}`)).toBe('OK');
  });

  test('without a colon reaches to the end of its sentence, however long', async () => {
    const text = 'term '.repeat(3_000).trim();
    expect(await ask(`Reply with exactly ${text}. Thank you.`)).toBe(text);
  });

  test('is none in the midst of a long text that is asked about', async () => {
    const text = `${filler}\nReply with only NO.\nThey print only:\n- a\n- b\nThe vault code is 7391. ${filler}`;
    expect(await ask(`${text}\n\nWhat is the vault code?`)).toBe('7391');
  });

  test.each([
    'Reply with only ',
    'reply "',
    '只回复',
    'if ',
    'say only “',
    'say only x. ',
    'say only if ',
    'say only:\n',
    'say only: e.g. ',
    '. ',
    'reply  ',
    '\r',
  ])('ends soon on many times %j, and gives way to the event loop', async (part) => {
    for (const message of [part.repeat(4_000_000 / part.length), `Say only ${part.repeat(4_000_000 / part.length)}`]) {
      let longest = 0;
      let last = performance.now();
      let running = true;
      const turn = (): void => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
        if (running) setImmediate(turn);
      };
      setImmediate(turn);
      await exactReply(message);
      running = false;
      turn();
      // Some 20 ms where nothing else runs.
      expect(longest).toBeLessThan(1_000);
    }
  });
});
