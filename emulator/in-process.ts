import type { Hono } from 'hono';
import { connectionReset } from './errors.ts';
import type { Env } from './middleware/context.ts';
import { abortable } from './streams.ts';

/**
 * As over the network, a request that is aborted fails at once, whether or not an answer is on its way.
 * @throws TypeError where the connection would have been dropped
 */
export async function answerInProcess(app: Hono<Env>, request: Request): Promise<Response> {
  const { signal } = request;
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const response = await Promise.race([app.fetch(request), aborted]);
  if (response.type === 'error') throw connectionReset();
  if (!response.body || !isStream(response)) return response;
  return new Response(abortable(response.body, request), response);
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}
