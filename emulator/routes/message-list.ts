import { randomUUID } from 'node:crypto';
import type { List } from '../../contract/lists.ts';
import type { ContentPart } from '../../contract/messages.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import type { RequestContext } from '../http/context.ts';
import { respond, sendJsonParts, setHeader } from '../http/respond.ts';
import { referenceOf, withUrl } from '../sessions/media.ts';
import type { Store } from '../store/store.ts';

/** Answers with messages as they were sent: the bytes of pictures and videos follow as they are read from the store. */
export function respondMessages(
  c: RequestContext,
  list: List<SessionMessage>,
  version?: number,
): Response | Promise<Response> {
  const { store } = c.get('services');
  const marked = new MarkedMedia();
  const data = list.data.map((message) => {
    const { content } = message;
    return Array.isArray(content) ? { ...message, content: content.map((part) => marked.mark(part)) } : message;
  });
  if (marked.hashes.size === 0) return respond(c, { body: list, ...(version !== undefined && { version }) });
  if (version !== undefined) setHeader(c, 'ETag', `"${version}"`);
  const text = JSON.stringify({ ...list, data });
  const release = holdAll(store, marked.hashes);
  return sendJsonParts(c, marked.fill(text, store, release), marked.length(text, store));
}

function holdAll(store: Store, hashes: Iterable<string>): () => void {
  const releases = [...hashes].map((hash) => store.blobs.hold(hash));
  return () => {
    for (const release of releases) release();
  };
}

const HASH_LENGTH = 64;

/** Places in a text where base64 is to stand. No text of a user can look like one. */
class MarkedMedia {
  readonly hashes = new Set<string>();
  readonly #mark = `#${randomUUID()}#`;

  mark(part: ContentPart): ContentPart {
    if (part.type === 'text') return part;
    const reference = referenceOf(part);
    if (!reference) return part;
    this.hashes.add(reference.hash);
    return withUrl(part, `${reference.head}${this.#mark}${reference.hash}`);
  }

  /** Bytes of the filled text. */
  length(text: string, { blobs }: Store): number {
    const [start = '', ...rest] = text.split(this.#mark);
    return rest.reduce((sum, piece) => {
      const encoded = 4 * Math.ceil((blobs.size(piece.slice(0, HASH_LENGTH)) ?? 0) / 3);
      return sum + encoded + Buffer.byteLength(piece.slice(HASH_LENGTH));
    }, Buffer.byteLength(start));
  }

  *fill(text: string, { blobs }: Store, done: () => void): Generator<Uint8Array, void> {
    try {
      const [start = '', ...rest] = text.split(this.#mark);
      yield Buffer.from(start);
      for (const piece of rest) {
        for (const bytes of blobs.read(piece.slice(0, HASH_LENGTH))) {
          yield Buffer.from(Buffer.from(bytes).toString('base64'), 'latin1');
        }
        yield Buffer.from(piece.slice(HASH_LENGTH));
      }
    } finally {
      done();
    }
  }
}
