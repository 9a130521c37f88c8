import type { Services } from '../services.ts';
import { Billing, type BillingOptions } from './billing.ts';

/** What the books of an emulator are kept by. */
export type BillingSettings = Pick<BillingOptions, 'prices' | 'balance' | 'currency' | 'cache'>;

const books = new WeakMap<Services, Billing>();

/** The books of an emulator: opened by the first who asks, so that whoever only starts a server loads nothing of them. */
export function billingOf(services: Services): Billing {
  const open = books.get(services);
  if (open) return open;
  const { clock, limits, state, billing } = services;
  const opened = new Billing({ ...billing, clock, windowTokens: limits.window_tokens });
  books.set(services, opened);
  // A reset may give rows out anew, whose hashes are remembered; and every test is to find the same cache.
  for (const calls of [state.onReset, state.onKeep]) calls.push(() => opened.reset());
  return opened;
}
