import { LIVE_TEXT } from '../../contract/errors.ts';
import { equal, refused } from '../core/expect.ts';
import type { Reply } from './reply.ts';

/** A request whose sender is not known is refused in the live words. @throws Mismatch */
export function stranger(reply: Reply): void {
  equal(refused(reply, 'invalid_authentication'), LIVE_TEXT.invalidAuthentication, 'the message');
}
