/** Items that come one after another, at once or over time. */
export type Source<Item> = Iterable<Item> | AsyncIterable<Item> | ReadableStream<Item>;

/** The items of any source. Not every runtime iterates a stream, so that its reader is used. */
export function iterate<Item>(source: Source<Item>): AsyncIterableIterator<Item, void> {
  return 'getReader' in source ? readStream(source.getReader()) : each(source);
}

async function* each<Item>(source: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item, void> {
  yield* source;
}

/** Not a generator: `return()` of one waits for the item that it waits for, while a stream is cancelled at once. */
function readStream<Item>(reader: ReadableStreamDefaultReader<Item>): AsyncIterableIterator<Item, void> {
  return {
    async next() {
      const step = await reader.read();
      return step.done ? { done: true, value: undefined } : step;
    },
    async return() {
      await reader.cancel().catch(() => undefined);
      reader.releaseLock();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
