import type { RequestContext } from './context.ts';

/**
 * Calls `listener` once the client has gone, at once where it has already.
 * @returns what takes the listener away again
 */
export function onClientGone(c: RequestContext, listener: () => void): () => void {
  const { outgoing } = c.env;
  if (outgoing) {
    const onClose = (): void => {
      if (!outgoing.writableFinished) listener();
    };
    if (outgoing.destroyed) onClose();
    else outgoing.once('close', onClose);
    return () => outgoing.off('close', onClose);
  }
  const { signal } = c.req.raw;
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
