import { createMiddleware } from 'hono/factory';
import type { Services } from '../services.ts';
import type { Env, RequestContext } from './context.ts';

const NO_BODY = new Uint8Array();

/** Names every request, as the live API does. */
export function requestId(services: Services) {
  return createMiddleware<Env>((c, next) => {
    c.set('services', services);
    c.set('body', NO_BODY);
    c.set('startedAt', performance.now());
    c.header('Msh-Request-Id', services.ids('request'));
    return next();
  });
}

/**
 * Says how long the server took, as the live API does. Called where a response is made: a header that is set on one that
 * is finished costs as much as the whole walk.
 */
export function stampTiming(c: RequestContext): void {
  c.header('Server-Timing', `inner; dur=${(performance.now() - c.get('startedAt')).toFixed(3)}`);
}
