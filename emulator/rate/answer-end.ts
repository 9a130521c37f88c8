import { onClientGone, type RequestContext } from '../http/context.ts';

/** Calls `listener` when the answer is over, however it ends; perhaps more than once. To be asked before there is one. */
export function onAnswerEnd(c: RequestContext, listener: () => void): void {
  const { outgoing } = c.env;
  if (!outgoing) onClientGone(c, listener);
  else if (outgoing.destroyed) listener();
  else outgoing.once('close', listener);
}

/** The same answer in process, which tells when a stream has been read, given up or broken off. A text is over at once. */
export function tellingEnd(response: Response, listener: () => void): Response {
  const { body, headers } = response;
  if (!body || headers.get('content-type') !== 'text/event-stream') {
    listener();
    return response;
  }
  const reader = body.getReader();
  void reader.closed.then(listener, listener);
  const told = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await reader.read();
        if (step.done) controller.close();
        else controller.enqueue(step.value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(told, response);
}
