import { expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Reply } from '../../wire/reply.ts';

const REPLAYED = 'idempotent-replayed';

export function isReplay({ headers }: Reply): boolean {
  return headers.get(REPLAYED)?.toLowerCase() === 'true';
}

/** What a reply says, however it is cut into pieces. */
function contentOf({ status, json, text, headers, events, lines }: Reply): object {
  const etag = headers.get('etag');
  if (json !== undefined) return { status, json, etag };
  // The end of a stream of lines is that of the session as it is now.
  return events.length > 0 ? { status, said: saidBy(events), etag } : { status, lines: text && lines.slice(0, -1) };
}

interface Delta {
  content?: string;
  reasoning_content?: string;
  tool_calls?: { index?: number; id?: string; function?: { name?: string; arguments?: string } }[];
}

interface Chunk {
  id?: string;
  choices?: { index?: number; delta?: Delta; finish_reason?: string | null; usage?: unknown }[];
  usage?: unknown;
  session?: unknown;
}

/** The whole answer of a stream: its pieces may be cut in another way the second time. */
function saidBy(events: readonly string[]): object {
  const chunks = events.filter((event) => event !== '[DONE]').map((event) => JSON.parse(event) as Chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const last = choices.find(({ finish_reason }) => finish_reason != null);
  return {
    done: events.at(-1),
    id: chunks[0]?.id,
    text: choices.map(({ delta }) => delta?.content ?? '').join(''),
    thought: choices.map(({ delta }) => delta?.reasoning_content ?? '').join(''),
    calls: choices.flatMap(({ delta }) => (delta?.tool_calls ?? []).flatMap(({ id }) => id ?? [])),
    askedFor: chunks.filter((chunk) => chunk.choices?.length === 0).map(({ usage }) => usage),
    finish: last?.finish_reason,
    usage: last?.usage,
    session: chunks.find((chunk) => chunk.session)?.session,
  };
}

/** @throws Mismatch where `again` is not the stored answer `first` */
export function expectSameAnswer(first: Reply, again: Reply): void {
  const due = contentOf(expectSuccess(first));
  expectEqual(contentOf(expectSuccess(again)), due, `${again.what}: the answer to the repeated request`);
}

export function expectMarked(first: Reply, again: Reply): void {
  expectTrue(!isReplay(expectSuccess(first)), `${first.what}: the first answer says that it is a stored one`);
  expectTrue(
    isReplay(expectSuccess(again)),
    `${again.what}: the answer to the repeated request lacks Idempotent-Replayed: true`,
  );
  const ids = [first, again].map(({ headers }) => headers.get('msh-request-id'));
  expectTrue(
    !ids.includes(null) && ids[0] !== ids[1],
    `${again.what}: the stored answer has no Msh-Request-Id of its own`,
  );
}
