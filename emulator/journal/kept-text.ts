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
  /** Bytes between them; of a text that was never bytes, UTF-16 units, as to count its bytes takes longer than to cut it. */
  leftOut: number;
  unit: 'bytes' | 'characters';
}

/** A text as it came, or its two ends. What it says is read when it is asked for. */
export type KeptText = string | Uint8Array | CutText;

export function keepText(text: string | Uint8Array): KeptText {
  const { length } = text;
  if (length <= KEPT_BYTES) return text;
  const [head, tail] = [text.slice(0, HEAD_BYTES), text.slice(-TAIL_BYTES)];
  const unit = typeof text === 'string' ? 'characters' : 'bytes';
  return { head: Buffer.from(head), tail: Buffer.from(tail), leftOut: length - KEPT_BYTES, unit };
}

/** What it takes in memory, at most. */
export function memoryOf(text: KeptText): number {
  if (typeof text === 'string') return UNIT_BYTES * text.length;
  return text instanceof Uint8Array ? text.length : text.head.length + text.tail.length;
}

/** A text to be read: whole, or its ends and how much is missing between them. */
export interface ReadText {
  head: string;
  /** Empty where the head is the whole. */
  tail: string;
  leftOut: number;
  unit: CutText['unit'];
}

export function readText(text: KeptText): ReadText {
  if (typeof text === 'string') return { head: text, tail: '', leftOut: 0, unit: 'characters' };
  if (text instanceof Uint8Array) return { head: decode(text), tail: '', leftOut: 0, unit: 'bytes' };
  // A character that the cut went through is left out with the rest.
  const head = decode(text.head).replace(/\ufffd+$/, '');
  return { ...text, head, tail: decode(text.tail).replace(/^\ufffd+/, '') };
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
