import { type Blob, BlobBuilder, encodeBlob, parseReference, referenceTo, releaseBlobs } from './data-url.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const SLASH = 0x2f;
/** How a JSON text of a `data:` URL begins; not where the quote is escaped, within a text. */
const START = '"data:';
const HEAD = /^data:[^,"]{0,200};base64,$/i;
const MOST_HEAD_BYTES = 256;
/** What is not base64 goes back into the body where it is short: it may be a text that only begins like a URL. */
const MOST_GIVEN_BACK = 2 ** 20;

/** A long `data:` URL that holds what is not base64. */
export class NotBase64 extends Error {}

/** A body without the bytes of its pictures and videos, which it refers to by their hash. */
export interface LiftedBody {
  bytes: Buffer;
  blobs: ReadonlyMap<string, Blob>;
}

/**
 * Takes the bytes of base64 `data:` URLs out of a JSON body while it is read, so that the text is nowhere as a whole: what is
 * left is parsed, hashed and journaled like a small body. Give it short chunks: each is worked on at once.
 */
export class MediaLifter {
  readonly #left: Uint8Array[] = [];
  readonly #blobs = new Map<string, Blob>();
  /** Bytes of the body that are left. */
  size = 0;
  /** The end of a chunk that may be the start of a URL. */
  #carry: Uint8Array = Buffer.alloc(0);
  #last = 0;
  #head: number[] | undefined;
  #data: Base64 | undefined;
  #isEscaped = false;

  get hasLifted(): boolean {
    return this.#blobs.size > 0 || this.#data !== undefined;
  }

  /** @throws NotBase64 */
  push(chunk: Uint8Array): void {
    const bytes = this.#carry.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#carry, chunk]);
    this.#carry = bytes.subarray(0, 0);
    for (let at = 0; at < bytes.length; ) {
      if (this.#data) at = this.#readData(bytes, at, this.#data);
      else if (this.#head) at = this.#readHead(bytes, at, this.#head);
      else at = this.#readText(bytes, at);
    }
  }

  /** @throws NotBase64 */
  finish(): LiftedBody {
    if (this.#data) this.#giveBack(this.#data);
    if (this.#head) this.#leave(Buffer.from(this.#head));
    this.#leave(this.#carry);
    return { bytes: Buffer.concat(this.#left), blobs: this.#blobs };
  }

  /** Gives the memory of what was read back, instead of `finish` or where that failed. */
  release(): void {
    this.#data?.release();
    releaseBlobs(this.#blobs.values());
  }

  #readText(bytes: Buffer, from: number): number {
    const found = bytes.indexOf(START, from, 'latin1');
    const end = found === -1 ? this.#textEnd(bytes, from) : found + 1;
    const before = found > from ? bytes[found - 1] : this.#last;
    this.#leave(bytes.subarray(from, end));
    if (found === -1) {
      this.#carry = Buffer.from(bytes.subarray(end));
      return bytes.length;
    }
    if (before !== BACKSLASH) this.#head = [];
    return end;
  }

  /** Where the text ends for sure: what may begin a URL waits for the next chunk. */
  #textEnd(bytes: Buffer, from: number): number {
    for (let length = Math.min(START.length - 1, bytes.length - from); length > 0; length -= 1) {
      const end = bytes.length - length;
      if (START.startsWith(bytes.toString('latin1', end))) return end;
    }
    return bytes.length;
  }

  #readHead(bytes: Buffer, from: number, head: number[]): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0;
      head.push(byte);
      const ends = byte === COMMA || byte === QUOTE || head.length > MOST_HEAD_BYTES;
      if (!ends) continue;
      this.#head = undefined;
      const text = Buffer.from(head).toString('latin1').replaceAll('\\/', '/');
      if (byte === COMMA && HEAD.test(text)) this.#data = new Base64(text);
      // The quote that ends this text may not be taken for one that begins another.
      else this.#leave(Buffer.from(head));
      return at + 1;
    }
    return bytes.length;
  }

  #readData(bytes: Buffer, from: number, data: Base64): number {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      // Some encoders write a slash with a backslash before it.
      if (bytes[from] === SLASH) return this.#add(bytes.subarray(from, from + 1), data) ? from + 1 : from;
      this.#giveBack(data);
      this.#leave(Buffer.from('\\'));
      return from;
    }
    const end = firstOf(bytes, from);
    if (end > from && !this.#add(bytes.subarray(from, end), data)) return end;
    if (end === bytes.length) return end;
    if (bytes[end] === BACKSLASH) {
      this.#isEscaped = true;
      return end + 1;
    }
    const blob = data.finish();
    if (!blob) {
      this.#giveBack(data);
      return end;
    }
    this.#data = undefined;
    if (this.#blobs.has(blob.hash)) releaseBlobs([blob]);
    else this.#blobs.set(blob.hash, blob);
    this.#leave(Buffer.from(referenceTo(data.head, blob.hash)));
    return end;
  }

  /** @returns whether it is base64 still; otherwise all of it has been given back */
  #add(text: Buffer, data: Base64): boolean {
    if (data.add(text)) return true;
    this.#giveBack(data);
    return false;
  }

  #giveBack(data: Base64): void {
    if (data.size > MOST_GIVEN_BACK) throw new NotBase64();
    this.#data = undefined;
    this.#leave(Buffer.from(data.text(), 'latin1'));
    data.release();
  }

  #leave(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#last = bytes[bytes.length - 1] ?? 0;
    this.size += bytes.length;
    // A copy, so that a few bytes do not keep a whole chunk.
    this.#left.push(Buffer.from(bytes));
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function firstOf(bytes: Buffer, from: number): number {
  const quote = bytes.indexOf(QUOTE, from);
  const end = quote === -1 ? bytes.length : quote;
  const backslash = bytes.subarray(from, end).indexOf(BACKSLASH);
  return backslash === -1 ? end : from + backslash;
}

/** Characters that are decoded at once: few, as each becomes a text that a collection has to remove. */
const DECODED_AT_ONCE = 16_384;
const MINUS = 0x2d;
const UNDERSCORE = 0x5f;

/** Base64 as an encoder writes it, decoded as it comes. */
class Base64 {
  readonly head: string;
  readonly #bytes = new BlobBuilder();
  #waiting = '';
  #padded = false;

  constructor(head: string) {
    this.head = head;
  }

  /** Decoded bytes. */
  get size(): number {
    return this.#bytes.size;
  }

  /** @returns false where the text is not base64; it is then the end of `text()` */
  add(text: Buffer): boolean {
    let at = 0;
    if (this.#waiting !== '') {
      at = Math.min(text.length, GROUP - this.#waiting.length);
      this.#waiting += text.toString('latin1', 0, at);
      if (this.#waiting.length < GROUP) return true;
      const group = this.#waiting;
      this.#waiting = '';
      if (!this.#decode(Buffer.from(group, 'latin1'))) return this.#failed(group + text.toString('latin1', at));
    }
    const end = text.length - ((text.length - at) % GROUP);
    while (at < end) {
      const groups = Math.min(DECODED_AT_ONCE, end - at, (this.#bytes.room / GROUP_BYTES) * GROUP);
      if (!this.#decode(text.subarray(at, at + groups))) return this.#failed(text.toString('latin1', at));
      at += groups;
    }
    this.#waiting = text.toString('latin1', end);
    return true;
  }

  /** @returns undefined where it is cut off, or empty */
  finish(): Blob | undefined {
    if (this.#waiting !== '' || this.size === 0) return undefined;
    return this.#bytes.finish();
  }

  /** Everything so far, as it was. */
  text(): string {
    return this.head + encodeBlob({ parts: this.#bytes.parts() }) + this.#waiting;
  }

  /** Gives its memory back, instead of `finish`. */
  release(): void {
    this.#bytes.release();
  }

  /**
   * @param groups whole ones, which fit into the part that is being filled
   * @returns false, with nothing added, where encoding the bytes again would give another text
   */
  #decode(groups: Buffer): boolean {
    if (this.#padded) return false;
    // Node drops what is not base64, and takes the two characters of URLs for those of base64.
    if (groups.includes(MINUS) || groups.includes(UNDERSCORE)) return false;
    const text = groups.toString('latin1');
    const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
    if (!CANONICAL_END.test(text.slice(-GROUP))) return false;
    if (!this.#bytes.addBase64(text, (text.length / GROUP) * GROUP_BYTES - padding)) return false;
    this.#padded = padding > 0;
    return true;
  }

  #failed(rest: string): false {
    this.#waiting = rest;
    return false;
  }
}

/** Characters, and the bytes that they stand for. */
const GROUP = 4;
const GROUP_BYTES = 3;
/** The last group, whose bits that padding leaves over are zero. */
const CANONICAL_END = /(?:[AQgw]==|[AEIMQUYcgkosw048]=|[^=])$/;

const MEDIA_FIELDS: readonly unknown[] = ['image_url', 'video_url'];

/** Puts base64 back where it is not the URL of a picture or a video but a text, or a part of something else. */
export function restoreTexts(root: unknown, blobs: ReadonlyMap<string, Blob>): void {
  const waiting = [root];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    const members = value as Record<string, unknown>;
    restoreNames(members, blobs);
    const located = MEDIA_FIELDS.includes(members.type) ? String(members.type) : undefined;
    for (const [key, member] of Object.entries(members)) {
      if (key === located && (typeof member === 'string' || isLocated(member))) continue;
      if (typeof member === 'string') members[key] = restored(member, blobs);
      else waiting.push(member);
    }
  }
}

/** All of an object's members are written again, so that they stay in their order. */
function restoreNames(members: Record<string, unknown>, blobs: ReadonlyMap<string, Blob>): void {
  const entries = Object.entries(members);
  if (!entries.some(([name]) => restored(name, blobs) !== name)) return;
  for (const [name] of entries) delete members[name];
  for (const [name, value] of entries) {
    // Assigned, `__proto__` would be no member.
    const member = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(members, restored(name, blobs), member);
  }
}

function isLocated(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'url' in value && typeof value.url === 'string';
}

function restored(text: string, blobs: ReadonlyMap<string, Blob>): string {
  const reference = parseReference(text);
  const blob = reference && blobs.get(reference.hash);
  return blob ? reference.head + encodeBlob(blob) : text;
}
