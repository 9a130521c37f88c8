import { type Case, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { user } from '../../wire/sessions.ts';
import { isReplay } from './replays.ts';

const LONGEST = 255;

/** Keys that are not the same, though a careless comparison takes them for it: how the second is made of the first. */
const OTHERS: Readonly<Record<string, (key: string) => string>> = {
  'last-character': (key) => `${key.slice(0, -1)}Z`,
  'first-character': (key) => `Z${key.slice(1)}`,
  case: (key) => key.toLowerCase(),
  beginning: (key) => key.slice(0, -1),
  'sign-between': (key) => `${key.slice(0, -1)}-${key.slice(-1)}`,
  'blank-between': (key) => `${key.slice(0, -1)} ${key.slice(-1)}`,
  punctuation: (key) => `${key.slice(0, -1)}.`,
};

export const idempotencyKeyBytes: Case = defineCase<string>({
  id: 'idempotency.key-bytes',
  title: 'keys of up to 255 characters, compared byte for byte',
  needs: ['sessions', 'sessions.append', 'idempotency'],
  checks: {
    ...Object.fromEntries(Object.keys(OTHERS).map((name) => [name, 'idempotency.key-bytes'])),
    'longest-accepted longest-compared longer-refused': 'idempotency.key-bytes',
  },
  async run({ api, check, nonce }) {
    const { id } = await api.createSession();
    const path = `/sessions/${id}/messages`;
    const send = (key: string) => api.post(path, user('Under a key.'), { headers: { 'Idempotency-Key': key } });
    const long = (length: number) => `${nonce()}${'K'.repeat(length)}`.slice(0, length);
    for (const [name, other] of Object.entries(OTHERS)) {
      await check(name, async () => {
        const key = long(LONGEST - 1).replace(/.$/, 'A');
        expectSuccess(await send(key));
        expectTrue(!isReplay(expectSuccess(await send(other(key)))), 'another key is another request');
      });
    }
    const longest = long(LONGEST);
    await check('longest-accepted', async () => {
      expectSuccess(await send(longest));
      expectTrue(isReplay(expectSuccess(await send(longest))), 'the longest key is known again');
    });
    await check('longest-compared', async () => {
      expectTrue(!isReplay(expectSuccess(await send(`${longest.slice(0, -1)}Z`))), 'another key is another request');
    });
    await check('longer-refused', async () => {
      const before = await api.stateOf(id);
      expectError(await send(`${longest}K`), 'invalid_request');
      expectEqual(await api.stateOf(id), before, 'the session after the refusal');
      await api.append(id, user('Without a key.'));
    });
  },
});
