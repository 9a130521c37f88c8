import { equal, holds, refused, succeeded } from '../../core/expect.ts';
import type { Reply } from '../../wire/reply.ts';

export const REPLAYED = 'idempotent-replayed';

export function isReplay({ headers }: Reply): boolean {
  return headers.get(REPLAYED)?.toLowerCase() === 'true';
}

/** @throws Mismatch where `again` is not the stored answer `first` */
export function sameAnswer(first: Reply, again: Reply): void {
  succeeded(first);
  const told = ({ json, headers }: Reply) => ({ json, etag: headers.get('etag') });
  equal(told(succeeded(again)), told(first), `${again.what}: the answer to the request sent again`);
}

export function marked(first: Reply, again: Reply): void {
  holds(!isReplay(succeeded(first)), `${first.what}: the first answer says that it is a stored one`);
  holds(
    isReplay(succeeded(again)),
    `${again.what}: the answer to the request sent again lacks Idempotent-Replayed: true`,
  );
}

export function mismatched(reply: Reply): void {
  refused(reply, 'idempotency_mismatch');
}
