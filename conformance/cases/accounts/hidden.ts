import type { ErrorCode } from '../../../contract/errors.ts';
import { equal, refused } from '../../core/expect.ts';
import type { Reply } from '../../wire/reply.ts';

/** A refusal as it reads with the id taken out, and what its headers tell. */
function toldOf({ status, text, headers }: Reply, id: string): object {
  const names = ['etag', 'x-should-retry', 'retry-after'];
  return { status, text: text.replaceAll(id, 'ID'), headers: names.map((name) => headers.get(name)) };
}

/** @throws Mismatch where an id that is somebody's is answered in another way than one that never was */
export function asNeverWas(known: [reply: Reply, id: string], unknown: [reply: Reply, id: string]): void {
  equal(
    toldOf(...known),
    toldOf(...unknown),
    `${known[0].what}: the answer, compared with that for an id that never was`,
  );
}

export function allRefused(replies: readonly Reply[], code: ErrorCode): void {
  for (const reply of replies) refused(reply, code);
}
