import { rulesOf } from '../rule.ts';

const { must } = rulesOf('kimi-wire');

/** What an account has left. */
export const BALANCE_RULES = {
  'balance.envelope': must('kimi', 'The balance is told with `code` 0, `scode` `0x0` and `status` true.'),
  'balance.amounts': must('kimi', 'The available, voucher and cash balances are numbers.'),
} as const;
