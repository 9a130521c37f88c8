import { createHash } from 'node:crypto';

/** Bytes of a part: a few milliseconds of work. A multiple of three, so that the base64 of the parts joins up. */
export const PART_BYTES = 3 * 2 ** 18;

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

/** The bytes of base64 as encoders write it, so that encoding them again gives the same text; undefined for any other. */
export function decodeBase64(data: string): Uint8Array | undefined {
  const bytes = Buffer.from(data, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === data ? bytes : undefined;
}

export function toBlob(bytes: Uint8Array): Blob {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PART_BYTES) parts.push(bytes.subarray(at, at + PART_BYTES));
  return { hash: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, parts };
}

export function encodeBlob({ parts }: Blob): string {
  return parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString('base64')).join('');
}
