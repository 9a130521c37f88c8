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
