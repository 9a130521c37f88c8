import { Hono } from 'hono';
import * as z from 'zod';
import { billingOf } from '../../billing/billing.ts';
import { MAX_LEDGERS } from '../../billing/ledger.ts';
import { renderSpend } from '../../billing/spend.ts';
import type { Env } from '../../middleware/context.ts';
import { parseFields } from '../../middleware/request-body.ts';
import { respond } from '../respond.ts';

const question = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,9}$/, 'takes a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_LEDGERS))
    .exactOptional(),
});

/** What the requests of all accounts cost, and would have cost without sessions; `lines` shows the arithmetic. */
export function spendRoutes() {
  const routes = new Hono<Env>();
  routes.get('/', (c) => {
    const spend = billingOf(c.get('services')).spend(undefined, parseFields(c, question, c.req.query()));
    return respond(c, { body: { ...spend, lines: renderSpend(spend) } });
  });
  return routes;
}
