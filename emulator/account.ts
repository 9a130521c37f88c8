import { createHash } from 'node:crypto';

/** What an account is known by: the hash of its key. */
export function accountOf(key: string): string {
  return sha256(key);
}

/** The organisation and key that the live API's texts name; ids of ours, which do not give the account away. */
export function holderOf(account: string): string {
  const digest = sha256(account);
  return `org-${digest.slice(0, 24)}<ak-${digest.slice(24, 44)}>`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
