import { createMiddleware } from 'hono/factory';
import type { Services } from '../services.ts';
import type { Env } from './context.ts';

const NO_BODY = new Uint8Array();

/** Names every request, and says how long the server took, as the live API does. */
export function requestId(services: Services) {
  return createMiddleware<Env>(async (c, next) => {
    const started = performance.now();
    c.set('services', services);
    c.set('body', NO_BODY);
    const id = services.ids('request');
    c.set('requestId', id);
    await next();
    c.header('Msh-Request-Id', id);
    c.header('Server-Timing', `inner; dur=${(performance.now() - started).toFixed(3)}`);
  });
}
