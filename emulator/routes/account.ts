import { Hono } from 'hono';
import type { Balance } from '../../contract/models.ts';
import { billingOf } from '../billing/billing.ts';
import type { Env } from '../middleware/context.ts';
import { respond } from './respond.ts';

/** What an account has that was given no balance. Departure: the live API answers what is left of what was paid. */
const UNCHARGED = { available_balance: 49.58894, voucher_balance: 46.58893, cash_balance: 3.00001 };

export function accountRoutes() {
  const routes = new Hono<Env>();
  routes.get('/users/me/balance', (c) => {
    const data = billingOf(c.get('services')).balance?.figures(c.get('account')) ?? UNCHARGED;
    const body: Balance = { code: 0, data, scode: '0x0', status: true };
    return respond(c, { body });
  });
  return routes;
}
