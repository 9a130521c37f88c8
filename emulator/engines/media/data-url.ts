import { createHash, type Hash } from 'node:crypto';

/** Bytes of a part: a few milliseconds of work. A multiple of three, so that the base64 of the parts joins up. */
const PART_BYTES = 3 * 2 ** 18;
/** Up to here bytes stand in an ordinary buffer: pages of their own cost more than these few take. */
const SMALL_BYTES = 2 ** 16;
/** The first buffer of many is the last: icons and test pictures. */
const LEAST_BYTES = 256;
/** Behind what base64 should decode to, so that one that decodes to more is seen. */
const BASE64_SLACK = 3;

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

/** Within every reference. */
export const REFERENCE_MARK = '#sha256=';

export function parseDataUrl(url: string): DataUrl | undefined {
  const head = DATA_URL.exec(url)?.[1];
  return head === undefined ? undefined : { head, data: url.slice(head.length) };
}

/** Stands for a `data:` URL whose bytes are stored apart; no base64 has a `#`. */
export function referenceTo(head: string, hash: string): string {
  return `${head}${REFERENCE_MARK}${hash}`;
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
  #part: Buffer | undefined;
  #filled = 0;
  size = 0;

  /** Bytes that the part being filled still takes. */
  get room(): number {
    return PART_BYTES - this.#filled;
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.room);
      this.#partFor(piece.length).set(piece, this.#filled);
      this.#advance(piece.length);
      at += piece.length;
    }
  }

  /**
   * Decodes base64 in place.
   * @param size what it must decode to; at most `room`
   * @returns false, with nothing added, where it does not
   */
  addBase64(text: string, size: number): boolean {
    const part = this.#partFor(Math.min(size + BASE64_SLACK, this.room));
    if (part.write(text, this.#filled, 'base64') !== size) return false;
    this.#advance(size);
    return true;
  }

  /** All parts so far. */
  parts(): Buffer[] {
    return this.#part && this.#filled > 0 ? [...this.#parts, this.#part.subarray(0, this.#filled)] : this.#parts;
  }

  /** Once, at the end. */
  finish(): Blob {
    if (this.#part && this.#filled > 0) {
      const { buffer } = this.#part;
      const isOwn = buffer instanceof ArrayBuffer && buffer.resizable;
      if (isOwn) buffer.resize(this.#filled);
      this.#parts.push(isOwn ? Buffer.from(buffer) : this.#part.subarray(0, this.#filled));
    }
    this.#part = undefined;
    return { hash: this.#hash.digest('hex'), size: this.size, parts: this.#parts };
  }

  /** Gives the memory back, instead of `finish`. */
  release(): void {
    releaseParts(this.parts());
  }

  /** The part being filled, with room for so many bytes more. */
  #partFor(bytes: number): Buffer {
    const wanted = this.#filled + bytes;
    const part = this.#part;
    if (part && part.length >= wanted) return part;
    const larger = wanted > SMALL_BYTES ? withOwnPages() : Buffer.allocUnsafe(Math.max(LEAST_BYTES, 2 * wanted));
    part?.copy(larger, 0, 0, this.#filled);
    this.#part = larger;
    return larger;
  }

  #advance(size: number): void {
    const part = this.#partFor(0);
    this.#hash.update(part.subarray(this.#filled, this.#filled + size));
    this.size += size;
    this.#filled += size;
    if (this.#filled < PART_BYTES) return;
    this.#parts.push(part);
    this.#part = undefined;
    this.#filled = 0;
  }
}

/** A buffer that can be resized has pages of its own, which go back to the system at once, not with the next collection. */
function withOwnPages(): Buffer {
  return Buffer.from(new ArrayBuffer(PART_BYTES, { maxByteLength: PART_BYTES }));
}

/** Gives the memory of what a `BlobBuilder` has made back to the system. Its parts are empty from then on. */
export function releaseBlobs(blobs: Iterable<Blob>): void {
  for (const { parts } of blobs) releaseParts(parts);
}

function releaseParts(parts: readonly Uint8Array[]): void {
  for (const { buffer } of parts) if (buffer instanceof ArrayBuffer && buffer.resizable) buffer.resize(0);
}

export function toBlob(bytes: Uint8Array): Blob {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PART_BYTES) parts.push(bytes.subarray(at, at + PART_BYTES));
  return { hash: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, parts };
}

export function encodeBlob({ parts }: Pick<Blob, 'parts'>): string {
  return parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString('base64')).join('');
}
