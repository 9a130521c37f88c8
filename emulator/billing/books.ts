import type { Services } from '../services.ts';
import { Billing, type BillingOptions } from './billing.ts';
import { type Amount, parseAmount } from './money.ts';

/** What the books of an emulator are kept by. */
export interface BillingSettings extends Pick<BillingOptions, 'prices' | 'currency' | 'cache'> {
  /** What each account begins with, as on the command line: `10USD`, `72.5CNY`. Its currency is that of all that is billed. */
  balance?: string | Amount;
}

const books = new WeakMap<Services, Billing>();

/** The books of an emulator: opened by the first who asks, so that whoever only starts a server loads nothing of them. */
export function billingOf(services: Services): Billing {
  const open = books.get(services);
  if (open) return open;
  const { clock, limits, state, billing } = services;
  const { balance, ...settings } = billing;
  const start = typeof balance === 'string' ? parseAmount(balance) : balance;
  const place = { clock, windowTokens: limits.window_tokens };
  const opened = new Billing({ ...settings, ...(start && { balance: start }), ...place });
  books.set(services, opened);
  // A reset may give rows out anew, whose hashes are remembered; and every test is to find the same cache.
  for (const calls of [state.onReset, state.onKeep]) calls.push(() => opened.reset());
  return opened;
}
