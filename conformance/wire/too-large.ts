import { LIVE_TEXT } from '../../contract/errors.ts';
import { equal, refused } from '../core/expect.ts';
import type { Reply } from './reply.ts';

/**
 * A body over the limit is refused in the words of the contract, which name both sizes: of the same status and type as what is wrong in a
 * body, they alone tell which it was.
 * @param size bytes of the body
 * @throws Mismatch
 */
export function tooLarge(reply: Reply, size: number, limit: number): void {
  equal(refused(reply, 'body_too_large'), LIVE_TEXT.bodyTooLarge(size, limit), `${reply.what}: the message`);
}
