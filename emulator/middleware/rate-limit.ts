import type { MiddlewareHandler } from 'hono';
import { onAnswerEnd, tellingEnd } from '../rate/answer-end.ts';
import type { Rates } from '../rate/rates.ts';
import type { Env } from './context.ts';

/**
 * Lets requests in as their account's tier allows, and counts each until its answer is over. What its tokens come to is charged
 * once they are counted.
 */
export function limitRate(rates: Rates): MiddlewareHandler<Env> {
  return async (c, next) => {
    const rate = rates.of(c.get('account'));
    const end = rate.enter();
    c.set('rate', rate);
    onAnswerEnd(c, end);
    await next();
    if (c.env.outgoing) return;
    const told = tellingEnd(c.res, end);
    if (told !== c.res) c.res = told;
  };
}
