import { Hono } from 'hono';
import type { Balance } from '../../contract/models.ts';
import type { Env } from '../middleware/context.ts';
import { respond } from './respond.ts';

/** Nothing is charged here. Departure: the live API answers what is left of what was paid. */
const BALANCE: Balance = {
  code: 0,
  data: { available_balance: 49.58894, voucher_balance: 46.58893, cash_balance: 3.00001 },
  scode: '0x0',
  status: true,
};

export function accountRoutes() {
  const routes = new Hono<Env>();
  routes.get('/users/me/balance', (c) => respond(c, { body: BALANCE }));
  return routes;
}
