import { type ChatMessage, contentText } from '../../contract/messages.ts';
import type { StoredMessage } from './entries.ts';

/** A window as far as it is known: what it holds from its start to `head`. */
interface KnownWindow {
  readonly floor: number;
  readonly head: number;
  readonly messages: readonly StoredMessage[];
}

interface Remembered extends KnownWindow {
  bytes: number;
}

/** A place in the path of a window: a segment by its birth, and how far the window goes on it. */
export interface Stretch {
  birth: number;
  to: number;
}

const MAX_BYTES = 64 * 1_024 * 1_024;
/** A message without its text: the columns of its entry, and the objects around them. */
const MESSAGE_BYTES = 512;
/** The most that a unit of text takes: those of Latin letters alone take half. */
const UNIT_BYTES = 2;
/** A content part or a call: the object, and its place in the list. */
const PART_BYTES = 96;
/** The most that a unit of JSON takes once it is read: `[0,0]` is four bytes of text for each two numbers, `[{},{}]` for an object. */
const JSON_UNIT_BYTES = 20;

/**
 * The windows that were read last, so that a turn reads only what was written since the one before it. What a segment holds at a
 * place never changes, so that nothing here can become wrong; a segment's id may be given again, its birth is not.
 * Whoever reads a window shares its messages with all others, and changes none of them.
 */
export class WindowMemory {
  readonly #maxBytes: number;
  /** By the birth of the segment where the window ends; those that were read longest ago first. */
  readonly #windows = new Map<number, Remembered>();
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** What it takes, counted upwards. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What is known of a window. @param path where it goes along, its end first */
  find(floor: number, path: Iterable<Stretch>): KnownWindow | undefined {
    for (const { birth, to } of path) {
      const known = this.#windows.get(birth);
      if (!known || known.floor > floor) continue;
      this.#windows.delete(birth);
      this.#windows.set(birth, known);
      if (known.floor === floor && known.head <= to) return known;
      const head = Math.min(known.head, to);
      const messages = known.messages.filter(({ seq, held }) => seq <= head && (seq >= floor || held));
      return { floor, head, messages };
    }
    return undefined;
  }

  /** Remembers a window in place of what was known of the segment where it ends. */
  save(birth: number, window: KnownWindow): void {
    const before = this.#windows.get(birth);
    if (before && before.floor === window.floor && before.head >= window.head) return;
    const grows = before?.floor === window.floor ? before : undefined;
    const added = grows ? window.messages.slice(grows.messages.length) : window.messages;
    this.forget(birth);
    const bytes = added.reduce((sum, message) => sum + bytesOf(message.body), grows?.bytes ?? 0);
    this.#windows.set(birth, { ...window, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#windows.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.forget(oldest);
    }
  }

  forget(birth: number): void {
    this.#bytes -= this.#windows.get(birth)?.bytes ?? 0;
    this.#windows.delete(birth);
  }

  clear(): void {
    this.#windows.clear();
    this.#bytes = 0;
  }
}

function bytesOf({ content, name = '', tool_calls = [], reasoning_content, tools }: ChatMessage): number {
  const parts = Array.isArray(content) ? content : [];
  let units = contentText(content).length + name.length + (reasoning_content?.length ?? 0);
  for (const part of parts) if (part.type !== 'text') units += lengthOf(part);
  for (const call of tool_calls) units += lengthOf(call);
  const objects = PART_BYTES * (parts.length + tool_calls.length);
  return MESSAGE_BYTES + objects + UNIT_BYTES * units + (tools ? JSON_UNIT_BYTES * lengthOf(tools) : 0);
}

function lengthOf(value: object): number {
  return JSON.stringify(value).length;
}
