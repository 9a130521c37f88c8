import { Hono } from 'hono';
import { billingOf } from '../../billing/books.ts';
import { renderSpend } from '../../billing/render-spend.ts';
import type { Env } from '../../middleware/context.ts';
import { respond } from '../respond.ts';

/** What the work of all accounts cost, and what it would have cost without sessions; `lines` shows the arithmetic. */
export function spendRoutes() {
  const routes = new Hono<Env>();
  routes.get('/', (c) => {
    const spend = billingOf(c.get('services')).spend();
    return respond(c, { body: { ...spend, lines: renderSpend(spend) } });
  });
  return routes;
}
