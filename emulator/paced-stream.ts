import { setImmediate as nextTurn } from 'node:timers/promises';
import { ClientGone } from './errors.ts';

export interface PacedStreamOptions<Item> {
  encode(item: Item): string;
  /** What an error in the middle is told with; the stream ends behind it. */
  encodeError(error: unknown): string;
  /** Closes a stream that came to its end. */
  ending: string;
  /** Items joined into one network write, so that a long answer is not a system call per token. */
  batch: number;
  /** How long a reader may take nothing before the stream is given up. */
  stallMs: number;
  /** Called once where the reader has gone or has stalled: ends what makes the items. */
  onGone(reason: Error): void;
}

/** Asks for the next item, as an iterator does. */
export type NextItem<Item> = () => IteratorResult<Item, unknown> | Promise<IteratorResult<Item, unknown>>;

/** Items as a stream of text, made only as fast as they are read. */
export function pacedStream<Item>(next: NextItem<Item>, options: PacedStreamOptions<Item>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const batches = new Batches(next, options);
  let timer: NodeJS.Timeout | undefined;
  let gone = false;
  const giveUp = (reason: Error): void => {
    if (gone) return;
    gone = true;
    clearTimeout(timer);
    options.onGone(reason);
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(timer);
      const { text, ended } = await batches.next();
      if (gone) return;
      if (text !== '') controller.enqueue(encoder.encode(text));
      if (ended) return controller.close();
      timer = setTimeout(() => {
        const reason = new ClientGone('the reader has stalled');
        controller.error(reason);
        giveUp(reason);
      }, options.stallMs);
      timer.unref();
    },
    cancel: () => giveUp(new ClientGone('the reader has gone')),
  });
}

/** Joins items into texts, of as many as are there, so that what is said is never held back by what is not yet. */
class Batches<Item> {
  readonly #next: NextItem<Item>;
  readonly #options: PacedStreamOptions<Item>;
  /** Asked for, and not there yet when the last text was handed out. */
  #waiting: ReturnType<NextItem<Item>> | undefined;

  constructor(next: NextItem<Item>, options: PacedStreamOptions<Item>) {
    this.#next = next;
    this.#options = options;
  }

  async next(): Promise<{ text: string; ended: boolean }> {
    const { encode, encodeError, ending, batch } = this.#options;
    const turn = nextTurn();
    let text = '';
    try {
      for (let count = 0; count < batch; count += 1) {
        this.#waiting ??= this.#next();
        const step = text === '' ? await this.#waiting : await Promise.race([this.#waiting, turn]);
        if (!step) break;
        this.#waiting = undefined;
        if (step.done) return { text: text + ending, ended: true };
        text += encode(step.value);
      }
      return { text, ended: false };
    } catch (error) {
      return { text: text + encodeError(error), ended: true };
    }
  }
}
