import type { ServerResponse } from 'node:http';
import type { Batch } from './batches.ts';
import { ClientGone } from './errors.ts';
import type { Pace } from './paced-stream.ts';

/** Writes texts onto a connection whose head has been written, only as fast as they are taken. */
export async function pour(
  batches: { next(): Promise<Batch> },
  outgoing: ServerResponse,
  { stallMs, onGone }: Pace,
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

/** Waits until all that was written has been taken, or the connection is closed. */
function drained(outgoing: ServerResponse, stallMs: number, onStall: () => void): Promise<void> {
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
