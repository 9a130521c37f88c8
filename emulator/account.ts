import { createHash } from 'node:crypto';

/** What an account is known by: the hash of its key. */
export function accountOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
