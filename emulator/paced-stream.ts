import type { Batch } from './batches.ts';
import { ClientGone } from './errors.ts';

export interface Pace {
  /** How long a reader may take nothing before the stream is given up. */
  stallMs: number;
  /** Called once where the reader has gone or has stalled. */
  onGone(reason: Error): void;
}

/** Texts as a stream for a reader in process, made only as fast as they are read. */
export function pacedStream(
  batches: { next(): Promise<Batch> },
  { stallMs, onGone }: Pace,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let gone = false;
  const giveUp = (reason: Error): void => {
    if (gone) return;
    gone = true;
    clearTimeout(timer);
    onGone(reason);
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
      }, stallMs);
      timer.unref();
    },
    cancel: () => giveUp(new ClientGone('the reader has gone')),
  });
}
