import { setImmediate as nextTick } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import { type Blob, bytesInParts, type MediaBytes } from '../engines/media/data-url.ts';
import { lazy } from '../lazy.ts';
import { BOUND_LIMIT } from './database.ts';

/** Rows removed in one slice. */
const PARTS_PER_SLICE = 8;

/** Bytes that a file pointed to, which was deleted meanwhile. */
export class BlobGone extends Error {}

/** Pictures, videos and files, each stored once by its hash, for as long as a message or a file points to it. */
export class Blobs {
  readonly #sql: () => ReturnType<typeof statements>;
  readonly #transaction: (work: () => void) => void;
  /** Those that requests are about to point to, with how many do. */
  readonly #held = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<void>>();
  /** Whether some may be unused; in a file, a kill may have left such. */
  #mayHaveUnused: boolean;
  readonly #wake: () => void;

  /** @param wake asks for `sweep` to be called */
  constructor(database: Database, wake: () => void) {
    this.#sql = lazy(() => statements(database));
    this.#transaction = database.transaction((work: () => void) => work());
    this.#mayHaveUnused = !database.memory;
    this.#wake = wake;
  }

  /**
   * Stores bytes in slices, unless they are there. They stay until the release, and from then on for as long as they are used.
   * @returns the release
   * @throws BlobGone for bytes without parts, which were stored before, where they are no longer
   */
  async put(blob: Blob): Promise<() => void> {
    const release = this.hold(blob.hash);
    try {
      await (this.#underWay.get(blob.hash) ?? this.#write(blob));
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Keeps stored bytes from being swept. @returns the release */
  hold(hash: string): () => void {
    this.#held.set(hash, (this.#held.get(hash) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#held.get(hash) ?? 1) - 1;
      if (left > 0) this.#held.set(hash, left);
      else this.#held.delete(hash);
      this.lookForUnused();
    };
  }

  /** The bytes in parts, each a multiple of three but the last. */
  *read(hash: string): Generator<Uint8Array, void> {
    const id = this.#sql().find.get(hash)?.id;
    if (id === undefined) return;
    for (let place = 0; ; place += 1) {
      const part = this.#sql().part.get(id, place);
      if (!part) return;
      yield part.bytes;
    }
  }

  /** The same where they are asked for; undefined where they are not stored. */
  bytes(hash: string): MediaBytes | undefined {
    const found = this.#sql().find.get(hash);
    return found && bytesInParts(found.size, (place) => this.#sql().part.get(found.id, place)?.bytes);
  }

  /** How many bytes; undefined where they are not stored. */
  size(hash: string): number | undefined {
    return this.#sql().find.get(hash)?.size;
  }

  /** Called where something that points to bytes has gone. */
  lookForUnused(): void {
    this.#mayHaveUnused = true;
    this.#wake();
  }

  /** Removes one slice of what is unused. @returns whether more may be left */
  sweep(): boolean {
    if (!this.#mayHaveUnused) return false;
    const { dying, unused, condemn, removeParts, remove } = this.#sql();
    const id = dying.get()?.id;
    if (id === undefined) {
      const next = unused.all().find(({ hash }) => !this.#held.has(hash));
      this.#mayHaveUnused = next !== undefined;
      if (next) condemn.run(next.id);
      return this.#mayHaveUnused;
    }
    if (removeParts.run(id, PARTS_PER_SLICE).changes === 0) remove.run(id);
    return true;
  }

  async #write(blob: Blob): Promise<void> {
    const { hash } = blob;
    if (this.#sql().find.get(hash)) return;
    if (blob.parts.length === 0) throw new BlobGone();
    const writing = this.#writeParts(blob);
    this.#underWay.set(hash, writing);
    try {
      await writing;
    } finally {
      this.#underWay.delete(hash);
    }
  }

  async #writeParts({ hash, size, parts }: Blob): Promise<void> {
    let id: number | bigint = 0;
    this.#transaction(() => {
      // What a kill has cut off.
      this.#sql().condemnHash.run(hash);
      id = this.#sql().insert.run(hash).lastInsertRowid;
    });
    let written = 0;
    for (const [place, part] of parts.entries()) {
      written += part.length;
      this.#sql().insertPart.run(id, place, Buffer.from(part.buffer, part.byteOffset, part.length));
      await nextTick();
    }
    // What was released meanwhile would be stored without its bytes.
    if (written !== size) throw new BlobGone();
    this.#sql().complete.run(size, id);
  }
}

function statements(database: Database) {
  return {
    find: database.prepare<[hash: string], { id: number; size: number }>(
      'SELECT id, size FROM blobs WHERE hash = ? AND size IS NOT NULL',
    ),
    insert: database.prepare<[hash: string]>('INSERT INTO blobs (hash) VALUES (?)'),
    complete: database.prepare<[size: number, id: number | bigint]>('UPDATE blobs SET size = ? WHERE id = ?'),
    part: database.prepare<[id: number, place: number], { bytes: Buffer }>(
      'SELECT bytes FROM blob_parts WHERE blob = ? AND place = ?',
    ),
    insertPart: database.prepare<[id: number | bigint, place: number, bytes: Buffer]>(
      'INSERT INTO blob_parts (blob, place, bytes) VALUES (?, ?, ?)',
    ),
    condemn: database.prepare<[id: number]>('UPDATE blobs SET hash = NULL WHERE id = ?'),
    condemnHash: database.prepare<[hash: string]>('UPDATE blobs SET hash = NULL WHERE hash = ?'),
    dying: database.prepare<[], { id: number }>('SELECT id FROM blobs WHERE hash IS NULL LIMIT 1'),
    unused: database.prepare<[], { id: number; hash: string }>(
      `SELECT id, hash FROM blobs b WHERE hash IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM message_blobs WHERE blob = b.id)
       AND NOT EXISTS (SELECT 1 FROM files WHERE blob = b.id)
       AND NOT EXISTS (SELECT 1 FROM kept_files WHERE blob = b.id)`,
    ),
    removeParts: database.prepare<[id: number, limit: number]>(
      `DELETE FROM blob_parts WHERE rowid IN (SELECT rowid FROM blob_parts WHERE blob = ? ${BOUND_LIMIT})`,
    ),
    remove: database.prepare<[id: number]>('DELETE FROM blobs WHERE id = ?'),
  };
}
