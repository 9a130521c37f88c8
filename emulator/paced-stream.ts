import type { Batch, StreamCut } from './batches.ts';
import { brokenOff, ClientGone } from './errors.ts';

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
      if (cutOff) return end(controller, cutOff);
      const { text, ended, cut } = await batches.next();
      if (gone) return;
      const bytes = encoder.encode(text);
      if (bytes.length > 0) controller.enqueue(bytes);
      if (cut) {
        if (cut.head.length > 0) controller.enqueue(cut.head);
        cutOff = cut;
        giveUp(new ClientGone('the stream was cut off'));
        if (bytes.length + cut.head.length === 0) end(controller, cut);
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

function end(controller: ReadableStreamDefaultController, { cleanly }: StreamCut): void {
  if (cleanly) controller.close();
  else controller.error(brokenOff());
}
