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

/** Headers that name the caller, as every answer of the live API has them; their form is not known but for the organisation's. */
export function identityHeaders(account: string): Record<string, string> {
  const digest = sha256(account);
  return {
    'Msh-Uid': digest.slice(44, 64),
    'Msh-Gid': `org-${digest.slice(0, 24)}`,
    'Msh-Org-Id': `org-${digest.slice(0, 24)}`,
    'Msh-Project-Id': `proj-${digest.slice(24, 48)}`,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
