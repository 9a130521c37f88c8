import { rulesOf } from '../rule.ts';

const { kimi } = rulesOf('kimi-wire');

/** The balance of an account. */
export const BALANCE_RULES = {
  'balance.envelope': kimi('The balance has `code` 0, `scode` `0x0` and `status` true.'),
  'balance.amounts': kimi('The available, voucher and cash balances are numbers.'),
} as const;
