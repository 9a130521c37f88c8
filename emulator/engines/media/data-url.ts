import { createHash, type Hash } from 'node:crypto';

/** Bytes of a part: a few milliseconds of work. A multiple of three, so that the base64 of the parts joins up. */
const PART_BYTES = 3 * 2 ** 18;

/** Bytes with their SHA-256, in hex. Each part but the last has `PART_BYTES`. */
export interface Blob {
  readonly hash: string;
  readonly size: number;
  readonly parts: readonly Uint8Array[];
}

/** A `data:` URL, taken apart. */
interface DataUrl {
  /** With the comma. */
  readonly head: string;
  readonly data: string;
}

const DATA_URL = /^(data:[^,]{0,200};base64,)/i;
const REFERENCE = /^(data:[^,]{0,200};base64,)#sha256=([0-9a-f]{64})$/i;
const FILE_REFERENCE = /^(ms:\/\/[\w-]{1,64})#sha256=([0-9a-f]{64})$/;

export function parseDataUrl(url: string): DataUrl | undefined {
  const head = DATA_URL.exec(url)?.[1];
  return head === undefined ? undefined : { head, data: url.slice(head.length) };
}

/** Stands for a `data:` URL whose bytes are stored apart; no base64 has a `#`. */
export function referenceTo(head: string, hash: string): string {
  return `${head}#sha256=${hash}`;
}

/** @returns undefined for any other URL */
export function parseReference(url: string): { head: string; hash: string } | undefined {
  const [, head, hash] = REFERENCE.exec(url) ?? [];
  return head === undefined || hash === undefined ? undefined : { head, hash };
}

/** The same of an uploaded file, whose URL is `ms://` and its id. @returns undefined for any other URL */
export function parseFileReference(url: string): { head: string; hash: string } | undefined {
  const [, head, hash] = FILE_REFERENCE.exec(url) ?? [];
  return head === undefined || hash === undefined ? undefined : { head, hash };
}

/** The bytes of base64 as encoders write it, so that encoding them again gives the same text; undefined for any other. */
export function decodeBase64(data: string): Uint8Array | undefined {
  const bytes = Buffer.from(data, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === data ? bytes : undefined;
}

/** Bytes that are read where they are asked for, so that nobody needs all of them at once. */
export interface MediaBytes {
  readonly size: number;
  slice(from: number, to: number): Uint8Array;
}

/** @param partAt the part of that number, where there is one */
export function bytesInParts(size: number, partAt: (place: number) => Uint8Array | undefined): MediaBytes {
  return {
    size,
    slice(from, to) {
      const pieces: Uint8Array[] = [];
      for (let at = from; at < Math.min(to, size); ) {
        const start = at - (at % PART_BYTES);
        const piece = partAt(start / PART_BYTES)?.subarray(at - start, to - start);
        if (!piece || piece.length === 0) break;
        pieces.push(piece);
        at += piece.length;
      }
      const [only] = pieces;
      return pieces.length === 1 && only ? only : Buffer.concat(pieces);
    },
  };
}

export function bytesOf({ size, parts }: Pick<Blob, 'size' | 'parts'>): MediaBytes {
  return bytesInParts(size, (place) => parts[place]);
}

/** Puts bytes that come in pieces into parts, and hashes them on the way. */
export class BlobBuilder {
  readonly #hash: Hash = createHash('sha256');
  readonly #parts: Buffer[] = [];
  /** The part that is being filled, and how far it is. */
  #part = Buffer.alloc(0);
  #filled = 0;
  size = 0;

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.size += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      if (this.#part.length === 0) this.#part = Buffer.allocUnsafeSlow(PART_BYTES);
      const piece = bytes.subarray(at, at + PART_BYTES - this.#filled);
      this.#part.set(piece, this.#filled);
      at += piece.length;
      this.#filled += piece.length;
      if (this.#filled < PART_BYTES) continue;
      this.#parts.push(this.#part);
      this.#part = Buffer.alloc(0);
      this.#filled = 0;
    }
  }

  /** All parts so far. */
  parts(): Buffer[] {
    // A copy, so that a small picture does not keep a large part.
    return this.#filled > 0 ? [...this.#parts, Buffer.from(this.#part.subarray(0, this.#filled))] : this.#parts;
  }

  /** Once, at the end. */
  finish(): Blob {
    return { hash: this.#hash.digest('hex'), size: this.size, parts: this.parts() };
  }
}

export function toBlob(bytes: Uint8Array): Blob {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PART_BYTES) parts.push(bytes.subarray(at, at + PART_BYTES));
  return { hash: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, parts };
}

export function encodeBlob({ parts }: Pick<Blob, 'parts'>): string {
  return parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString('base64')).join('');
}
