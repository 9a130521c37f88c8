import type { MiddlewareHandler } from 'hono';
import type { Faults } from '../faults/faults.ts';
import { lazy } from '../lazy.ts';
import { onAnswerEnd, tellingEnd } from '../rate/answer-end.ts';
import type { AccountRate, RateLimits } from '../rate/rate-limits.ts';
import type { Services } from '../services.ts';
import type { Env, RequestContext } from './context.ts';
import { openExchange } from './journal.ts';

const NO_BODY = new Uint8Array();

/** Names every request, as the live API does, and takes it up in the journal. */
export function openRequest(services: Services): MiddlewareHandler<Env> {
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

const striking = lazy(() => import('../faults/apply-faults.ts'));

/** Lets go wrong what was asked to. Costs two looks where nothing was. */
export function applyFaults(faults: Faults): MiddlewareHandler<Env> {
  return (c, next) => {
    if (faults.none && c.req.header('kimi-emulator-fault') === undefined) return next();
    return striking().then(({ strike }) => strike(c, next, faults) as Promise<Response>);
  };
}

/** Loaded with the first refusal. */
const bodies = lazy(() => import('./request-body.ts'));

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
