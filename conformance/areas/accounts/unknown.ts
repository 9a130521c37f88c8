import { expectEqual } from '../../core/expect.ts';
import type { Ground } from '../../tables/routes.ts';
import type { Reply } from '../../wire/reply.ts';

const HEADERS = ['etag', 'x-should-retry', 'retry-after', 'idempotent-replayed', 'location'];

/** A refusal as it reads with the ids taken out, and what its headers tell. */
function toldOf({ status, text, headers }: Reply, ids: readonly string[]): object {
  const bare = ids.filter((id) => id !== '').reduce((rest, id) => rest.replaceAll(id, 'ID'), text);
  return { status, text: bare, headers: Object.fromEntries(HEADERS.map((name) => [name, headers.get(name)])) };
}

type Told = readonly [reply: Reply, ids: string | Ground];

const idsOf = (ids: string | Ground) => (typeof ids === 'string' ? [ids] : Object.values(ids));

/** @throws Mismatch where an id that is somebody's is answered in another way than one that nobody was given */
export function expectAsUnknown([reply, ids]: Told, [unknown, others]: Told): void {
  const what = `${reply.what}: the answer, compared with that for an id that nobody was given`;
  expectEqual(toldOf(reply, idsOf(ids)), toldOf(unknown, idsOf(others)), what);
}
