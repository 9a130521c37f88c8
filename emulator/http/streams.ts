import type { ServerResponse } from 'node:http';
import { setImmediate as nextTick } from 'node:timers/promises';
import { brokenOff, ClientGone } from '../api-error.ts';

/** UTF-16 units joined into one network write, so that a long answer is not a system call per token. */
const BATCH_UNITS = 16_384;

/** Asks for the next items, as an iterator does. */
export type NextItems<Item> = () =>
  | IteratorResult<Iterable<Item>, unknown>
  | Promise<IteratorResult<Iterable<Item>, unknown>>;

/** Items of a stream, made as they are asked for. */
export interface Source<Item> {
  next: NextItems<Item>;
  /** Ends it before its end, as an iterator's `return` does. */
  return?(): unknown;
}

/** How items become text. */
export interface Encoding<Item> {
  encode(item: Item): string;
  /** What an error in the middle is answered with; the stream ends behind it. */
  encodeError(error: unknown): string;
  /** Closes a stream that came to its end. */
  ending: string;
}

interface ReaderOptions {
  /** How long a reader may read nothing before the stream is given up. */
  stallMs: number;
  /** Called once where the reader has gone or has stalled. */
  onGone(reason: Error): void;
}

interface Batch {
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

/** A source whose first step has been taken already. */
export function resumed<Item>(first: IteratorResult<Iterable<Item>, unknown>, source: Source<Item>): Source<Item> {
  let waiting: typeof first | undefined = first;
  return {
    next() {
      const step = waiting ?? source.next();
      waiting = undefined;
      return step;
    },
    return: () => source.return?.(),
  };
}

/**
 * Hands items from who makes them to who reads them, one after another: whoever makes them waits until the next is asked for, and
 * begins with the first. A generator does the same, with a promise for each that it goes through.
 */
export class Handover<Item> implements Source<Item> {
  readonly #make: (give: (items: Iterable<Item>) => Promise<void>) => Promise<unknown>;
  #reader: Settle<IteratorResult<Iterable<Item>, unknown>> | undefined;
  #maker: Settle<void> | undefined;
  #begun = false;
  #left = false;

  constructor(make: (give: (items: Iterable<Item>) => Promise<void>) => Promise<unknown>) {
    this.#make = make;
  }

  /** Rejects as what makes the items does. */
  next(): Promise<IteratorResult<Iterable<Item>, unknown>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      if (this.#begun) this.#maker?.resolve();
      else this.#begin();
    });
  }

  /** Nobody reads any more: whoever makes the items fails with that where it gives the next. */
  return(): void {
    this.#left = true;
    this.#maker?.reject(new ClientGone('nobody reads any more'));
  }

  #begin(): void {
    this.#begun = true;
    this.#make((items) => this.#give(items)).then(
      (value) => this.#reader?.resolve({ done: true, value }),
      (error: unknown) => this.#reader?.reject(error),
    );
  }

  #give(items: Iterable<Item>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#left) return reject(new ClientGone('nobody reads any more'));
      this.#maker = { resolve, reject };
      this.#reader?.resolve({ done: false, value: items });
    });
  }
}

interface Settle<Value> {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** Joins the items that are there into texts, so that an item never waits for the next one. */
export class Batches<Item> {
  readonly #source: Source<Item>;
  readonly #encoding: Encoding<Item>;
  /** Items that are there, and not all encoded yet. */
  #items: Iterator<Item> | undefined;
  /** Asked for, and not there yet when the last text was handed out. */
  #waiting: ReturnType<NextItems<Item>> | undefined;

  constructor(source: Source<Item>, encoding: Encoding<Item>) {
    this.#source = source;
    this.#encoding = encoding;
  }

  /** Never rejects: an error becomes text. */
  async next(): Promise<Batch> {
    let text = '';
    let tick: Promise<undefined> | undefined;
    try {
      for (;;) {
        text = this.#encodeItems(text);
        if (text.length >= BATCH_UNITS) return { text, ended: false };
        this.#waiting ??= this.#source.next();
        if (text !== '') tick ??= nextTick(undefined);
        const step = await (tick ? Promise.race([this.#waiting, tick]) : this.#waiting);
        if (!step) return { text, ended: false };
        this.#waiting = undefined;
        if (step.done) return { text: text + this.#encoding.ending, ended: true };
        this.#items = step.value[Symbol.iterator]();
      }
    } catch (error) {
      if (error instanceof StreamCut) return { text, ended: true, cut: error };
      return { text: text + this.#encoding.encodeError(error), ended: true };
    }
  }

  #encodeItems(before: string): string {
    let text = before;
    while (this.#items && text.length < BATCH_UNITS) {
      const step = this.#items.next();
      if (step.done) this.#items = undefined;
      else text += this.#encoding.encode(step.value);
    }
    return text;
  }
}

/** Writes texts onto a connection whose head has been written, only as fast as they are read. */
export async function writeTo(
  outgoing: ServerResponse,
  batches: { next(): Promise<Batch> },
  { stallMs, onGone }: ReaderOptions,
): Promise<void> {
  let gone = false;
  const giveUp = (reason: Error): void => {
    if (gone) return;
    gone = true;
    onGone(reason);
    outgoing.destroy();
  };
  const onClose = (): void => {
    if (!outgoing.writableFinished) giveUp(new ClientGone('the reader has gone'));
  };
  outgoing.once('close', onClose);
  if (outgoing.destroyed) onClose();
  while (!gone) {
    const { text, ended, cut } = await batches.next();
    if (gone) return;
    if (cut) {
      gone = true;
      onGone(new ClientGone('the stream was cut off'));
      const bytes = Buffer.concat([Buffer.from(text), cut.head]);
      if (cut.cleanly) outgoing.end(bytes);
      else outgoing.write(bytes, () => outgoing.destroy());
      return;
    }
    if (ended) {
      outgoing.end(text);
      return;
    }
    if (!outgoing.write(text)) await drained(outgoing, stallMs, () => giveUp(new ClientGone('the reader has stalled')));
  }
}

/** Waits until all that was written has been read, or the connection is closed. */
export function drained(outgoing: ServerResponse, stallMs: number, onStall: () => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(onStall, stallMs);
    timer.unref();
    const end = (): void => {
      clearTimeout(timer);
      outgoing.off('drain', end).off('close', end);
      resolve();
    };
    outgoing.on('drain', end).on('close', end);
  });
}

/** Texts as a stream for a reader in process, made only as fast as they are read. */
export function readable(
  batches: { next(): Promise<Batch> },
  { stallMs, onGone }: ReaderOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let gone = false;
  let cutOff: StreamCut | undefined;
  const giveUp = (reason: Error): void => {
    if (gone) return;
    gone = true;
    clearTimeout(timer);
    onGone(reason);
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(timer);
      // Only now: what breaks a stream drops what is not read of it yet.
      if (cutOff) return endCut(controller, cutOff);
      const { text, ended, cut } = await batches.next();
      if (gone) return;
      const bytes = encoder.encode(text);
      if (bytes.length > 0) controller.enqueue(bytes);
      if (cut) {
        if (cut.head.length > 0) controller.enqueue(cut.head);
        cutOff = cut;
        giveUp(new ClientGone('the stream was cut off'));
        if (bytes.length + cut.head.length === 0) endCut(controller, cut);
        return;
      }
      if (ended) return controller.close();
      timer = setTimeout(() => {
        const reason = new ClientGone('the reader has stalled');
        controller.error(reason);
        giveUp(reason);
      }, stallMs);
      timer.unref();
    },
    cancel: () => giveUp(new ClientGone('the reader has gone')),
  });
}

function endCut(controller: ReadableStreamDefaultController, { cleanly }: StreamCut): void {
  if (cleanly) controller.close();
  else controller.error(brokenOff());
}

/** One event of an event stream. */
export function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** One line of an NDJSON stream. */
export function toNdjson(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

type Bytes = ReadableStream<Uint8Array>;

/**
 * The same stream, which fails with the reason of an abort once the signal is aborted, as a body from the network does.
 * @param onEnd called when nobody reads it any more
 */
export function abortable(source: Bytes, signal: AbortSignal, onEnd: () => void = () => undefined): Bytes {
  const reader = source.getReader();
  reader.closed.then(onEnd, onEnd);
  const leave = (reason: unknown): void => void reader.cancel(reason).catch(() => undefined);
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const abort = (): void => {
          controller.error(signal.reason);
          leave(signal.reason);
        };
        if (signal.aborted) abort();
        else signal.addEventListener('abort', abort, { once: true });
      },
      pull: (controller) => pass(reader, controller),
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
}

/**
 * The same stream, whose copy need not be read or left for the original to be. By the standard, a stream that was copied is
 * left when both are, and whoever copies each answer and does not look at it lets its reader wait for ever
 * [msw 2; mswjs/interceptors#712].
 */
export function copyable(stream: Bytes): Bytes {
  const tee = (): [Bytes, Bytes] => {
    const [original, copy] = ReadableStream.prototype.tee.call(stream) as [Bytes, Bytes];
    const reader = original.getReader();
    const cancel = (reason: unknown): void => {
      void reader.cancel(reason).catch(() => undefined);
      if (!copy.locked) void copy.cancel(reason).catch(() => undefined);
    };
    const left = new ReadableStream<Uint8Array>(
      { pull: (controller) => pass(reader, controller), cancel },
      { highWaterMark: 0 },
    );
    return [left, copy];
  };
  return Object.defineProperty(stream, 'tee', { value: tee });
}

async function pass(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  controller: ReadableStreamDefaultController<Uint8Array>,
): Promise<void> {
  const { value, done } = await reader.read();
  if (done) controller.close();
  else controller.enqueue(value);
}
