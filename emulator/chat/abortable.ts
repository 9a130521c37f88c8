/**
 * The items of `source`, given up as soon as the signal says so: a model that hangs, or does not listen to the signal, must
 * not hold the session that it answers in. Throws the signal's reason.
 */
export async function* abortable<Item>(source: AsyncIterable<Item>, signal: AbortSignal): AsyncGenerator<Item, void> {
  signal.throwIfAborted();
  const items = source[Symbol.asyncIterator]();
  let giveUp = (_reason: unknown): void => undefined;
  const onAbort = () => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort);
  const next = () =>
    new Promise<IteratorResult<Item>>((resolve, reject) => {
      giveUp = reject;
      items.next().then(resolve, reject);
    });
  try {
    for (let step = await next(); !step.done; step = await next()) {
      yield step.value;
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: it would wait for the step that hangs. How a source ends that nobody reads is of no interest.
    items.return?.().then(undefined, () => undefined);
  }
}
