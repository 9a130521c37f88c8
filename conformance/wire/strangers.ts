import { LIVE_TEXT } from '../../contract/errors.ts';
import { equal, refused } from '../core/expect.ts';
import type { Reply } from './reply.ts';

/** The ways in which a request is refused whose sender is not known. Which of them is for whom is documented nowhere. */
const ROWS = {
  invalid_authentication: LIVE_TEXT.invalidAuthentication,
  incorrect_api_key: LIVE_TEXT.incorrectApiKey,
} as const;

/** A request whose sender is not known is refused in live words, those of `code` where it is given. @throws Mismatch */
export function stranger(reply: Reply, code?: keyof typeof ROWS): void {
  const { error } = (reply.json ?? {}) as { error?: { type?: unknown } };
  const seen = error?.type === 'incorrect_api_key_error' ? 'incorrect_api_key' : 'invalid_authentication';
  equal(refused(reply, code ?? seen), ROWS[code ?? seen], 'the message');
}
