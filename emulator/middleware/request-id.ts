import type { MiddlewareHandler } from 'hono';
import type { Services } from '../services.ts';
import type { Env } from './context.ts';
import { openExchange } from './journal.ts';

const NO_BODY = new Uint8Array();

/** Names every request, as the live API does. */
export function requestId(services: Services): MiddlewareHandler<Env> {
  return (c, next) => {
    // Hono leaves it undefined where it is given none.
    c.env ??= {};
    c.set('services', services);
    c.set('body', NO_BODY);
    c.set('startedAt', performance.now());
    c.set('headers', { 'Msh-Request-Id': services.ids('request') });
    openExchange(c, services);
    return next();
  };
}
