import type { Hono } from 'hono';
import { connectionReset } from './errors.ts';
import type { Env } from './middleware/context.ts';

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
  return response;
}
