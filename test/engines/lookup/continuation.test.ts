import { expect, test } from 'vitest';
import { continueFrom } from '../../../emulator/engines/lookup/lookup.ts';
import { ask, assistant, user } from './ask.ts';

test.each([
  ['The vault', 'The vault is open.', ' is open.'],
  ['', 'The vault is open.', 'The vault is open.'],
  ['The vault is open.', 'The vault is open.', ''],
  ['The vault code is', '7391', ' 7391'],
  ['The vault code is ', '7391', '7391'],
  ['The vault code is 73', '7391', '91'],
  ['金库的密码是', '7391', '7391'],
  ['金库的密码是73', '7391', '91'],
  ['{ "name":  "B', '{"name":"Bob","age":4}', 'ob","age":4}'],
  ['Something else entirely. ', 'The vault is open.', 'The vault is open.'],
])('%j goes on to %j with %j', (prefix, answer, rest) => {
  expect(continueFrom(prefix, answer)).toBe(rest);
});

const history = [user('vault code: 7391'), assistant('Noted.')];

test('a partial answer is continued, not repeated, and is not used as evidence', async () => {
  const begun = (prefix: string) =>
    ask([...history, user('What is the vault code?'), assistant(prefix)], { partial: true });
  expect(await begun('73')).toBe('91');
  expect(await begun('7391')).toBe('');
  expect(await begun('The vault code is')).toBe(' 7391');
  expect(await begun('vault code: 0000, no: ')).toBe('7391');
});

test('the question may be in the partial answer itself', async () => {
  expect(
    await ask([...history, user('Complete the sentence.'), assistant('The vault code is')], { partial: true }),
  ).toBe(' 7391');
});
