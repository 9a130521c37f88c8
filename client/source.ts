/** Items that come one after another, at once or over time. */
export type Source<Item> = Iterable<Item> | AsyncIterable<Item> | ReadableStream<Item>;

/** The items of any source. Not every runtime iterates a stream, so that its reader is used. */
export async function* iterate<Item>(source: Source<Item>): AsyncGenerator<Item, void> {
  if (!('getReader' in source)) {
    yield* source;
    return;
  }
  const reader = source.getReader();
  let ended = false;
  try {
    for (;;) {
      const step = await reader.read();
      ended = step.done;
      if (step.done) return;
      yield step.value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}
