/** Longer texts are kept by their two ends: what a request is about stands in its first lines, or in its last. */
const HEAD_BYTES = 6_144;
const TAIL_BYTES = 2_048;
export const KEPT_BYTES = HEAD_BYTES + TAIL_BYTES;
/** A UTF-16 unit. */
const UNIT_BYTES = 2;

/** The two ends of a text, copied, so that the text itself can go. */
export interface CutText {
  head: Uint8Array;
  tail: Uint8Array;
  /** Bytes of the whole. */
  bytes: number;
}

/** A text as it came, or its two ends. What it says is read when it is asked for. */
export type KeptText = string | Uint8Array | CutText;

export function keepText(text: string | Uint8Array): KeptText {
  if (text.length <= KEPT_BYTES) return text;
  if (typeof text !== 'string') return ends(text.subarray(0, HEAD_BYTES), text.subarray(-TAIL_BYTES), text.length);
  const [head, tail] = [text.slice(0, HEAD_BYTES), text.slice(-TAIL_BYTES)];
  return ends(Buffer.from(head), Buffer.from(tail), Buffer.byteLength(text));
}

function ends(head: Uint8Array, tail: Uint8Array, bytes: number): CutText {
  return { head: Buffer.from(head), tail: Buffer.from(tail), bytes };
}

/** What it takes in memory, at most. */
export function memoryOf(text: KeptText): number {
  if (typeof text === 'string') return UNIT_BYTES * text.length;
  return text instanceof Uint8Array ? text.length : text.head.length + text.tail.length;
}

/** A text to be read: whole, or its ends with what is missing between them. */
export interface ReadText {
  head: string;
  /** Empty where the head is the whole. */
  tail: string;
  leftOutBytes: number;
  bytes: number;
}

export function readText(text: KeptText): ReadText {
  if (typeof text === 'string') return { head: text, tail: '', leftOutBytes: 0, bytes: Buffer.byteLength(text) };
  if (text instanceof Uint8Array) return { head: decode(text), tail: '', leftOutBytes: 0, bytes: text.length };
  const { head, tail, bytes } = text;
  // A character that the cut went through is left out with the rest.
  const [first, last] = [decode(head).replace(/\ufffd+$/, ''), decode(tail).replace(/^\ufffd+/, '')];
  return { head: first, tail: last, leftOutBytes: bytes - Buffer.byteLength(first) - Buffer.byteLength(last), bytes };
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
