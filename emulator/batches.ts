import { setImmediate as nextTurn } from 'node:timers/promises';

/** UTF-16 units joined into one network write, so that a long answer is not a system call per token. */
const UNITS = 16_384;

export interface Batching<Item> {
  encode(item: Item): string;
  /** What an error in the middle is told with; the stream ends behind it. */
  encodeError(error: unknown): string;
  /** Closes a stream that came to its end. */
  ending: string;
}

/** Asks for the next items, as an iterator does. They are made as they are taken. */
export type NextItems<Item> = () =>
  | IteratorResult<Iterable<Item>, unknown>
  | Promise<IteratorResult<Iterable<Item>, unknown>>;

export interface Batch {
  text: string;
  ended: boolean;
  /** Where the stream is to end behind the text, before it is over. */
  cut?: StreamCut;
}

/** Thrown among items: the stream ends here. */
export class StreamCut extends Error {
  /** Bytes that still get through. */
  readonly head: Uint8Array;
  /** Whether it ends as if it were over; otherwise the connection breaks. */
  readonly cleanly: boolean;

  constructor(head = new Uint8Array(), cleanly = false) {
    super('the stream is cut off');
    this.head = head;
    this.cleanly = cleanly;
  }
}

/** Joins items into texts, of as many as are there, so that what is said is never held back by what is not yet. */
export class Batches<Item> {
  readonly #next: NextItems<Item>;
  readonly #batching: Batching<Item>;
  /** Items that are there, and not all taken yet. */
  #items: Iterator<Item> | undefined;
  /** Asked for, and not there yet when the last text was handed out. */
  #waiting: ReturnType<NextItems<Item>> | undefined;

  constructor(next: NextItems<Item>, batching: Batching<Item>) {
    this.#next = next;
    this.#batching = batching;
  }

  /** Never rejects: an error is told in the text. */
  async next(): Promise<Batch> {
    let text = '';
    let turn: Promise<undefined> | undefined;
    try {
      for (;;) {
        text = this.#take(text);
        if (text.length >= UNITS) return { text, ended: false };
        this.#waiting ??= this.#next();
        if (text !== '') turn ??= nextTurn(undefined);
        const step = await (turn ? Promise.race([this.#waiting, turn]) : this.#waiting);
        if (!step) return { text, ended: false };
        this.#waiting = undefined;
        if (step.done) return { text: text + this.#batching.ending, ended: true };
        this.#items = step.value[Symbol.iterator]();
      }
    } catch (error) {
      if (error instanceof StreamCut) return { text, ended: true, cut: error };
      return { text: text + this.#batching.encodeError(error), ended: true };
    }
  }

  #take(before: string): string {
    let text = before;
    while (this.#items && text.length < UNITS) {
      const step = this.#items.next();
      if (step.done) this.#items = undefined;
      else text += this.#batching.encode(step.value);
    }
    return text;
  }
}
