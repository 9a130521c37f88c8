import type { MiddlewareHandler } from 'hono';
import { later } from '../later.ts';
import { onAnswerEnd, tellingEnd } from '../rate/answer-end.ts';
import type { AccountRate, RateLimits } from '../rate/rate-limits.ts';
import type { Env, RequestContext } from './context.ts';

/** Loaded with the first refusal. */
const bodies = later(() => import('./request-body.ts'));

/**
 * Lets requests in as their account's tier allows, and counts each until its answer is over. What its tokens come to is charged
 * once they are counted.
 */
export function limitRate(rates: RateLimits): MiddlewareHandler<Env> {
  return async (c, next) => {
    const rate = rates.of(c.get('account'));
    const end = await enter(c, rate);
    c.set('rate', rate);
    onAnswerEnd(c, end);
    await next();
    if (c.env.outgoing) return;
    const told = tellingEnd(c.res, end);
    if (told !== c.res) c.res = told;
  };
}

/** Reads of what is refused what it was, for the journal: else nobody could tell whether it is asked for again. */
async function enter(c: RequestContext, rate: AccountRate): Promise<() => void> {
  try {
    return rate.enter();
  } catch (refusal) {
    const { readValue } = await bodies();
    if (c.get('exchange')) await readValue(c).catch(() => undefined);
    throw refusal;
  }
}
