import type { MiddlewareHandler } from 'hono';
import type { Faults } from '../faults/faults.ts';
import { later } from '../later.ts';
import type { Env } from './context.ts';

const striking = later(() => import('../faults/apply-faults.ts'));

/** Lets go wrong what was asked to. Costs two looks where nothing was. */
export function strikeFaults(faults: Faults): MiddlewareHandler<Env> {
  return (c, next) => {
    if (faults.none && c.req.header('kimi-emulator-fault') === undefined) return next();
    return striking().then(({ strike }) => strike(c, next, faults) as Promise<Response>);
  };
}
