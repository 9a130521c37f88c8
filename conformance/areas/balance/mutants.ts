import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Handler, Json } from '../../proof/proxy.ts';
import { editAnswers } from '../../proof/sessions.ts';

type Balance = Json & { data: Record<string, number> };

const ROUTE = '/v1/users/me/balance';

const editBalance = (edit: (balance: Balance) => unknown): Handler =>
  editAnswers('GET', ROUTE, edit as (body: Json) => unknown);

const amounts = (edit: (amount: number) => unknown) =>
  editBalance(({ data, ...rest }) => ({
    ...rest,
    data: Object.fromEntries(Object.entries(data).map(([name, amount]) => [name, edit(amount)])),
  }));

const mutant = mutantsOf('balance', { amounts, editBalance });

export const BALANCE_MUTANTS: readonly Mutant[] = [
  mutant('no-status', 'the balance has no status')
    .caughtBy('balance.read/envelope')
    .editBalance(({ status: _, ...rest }) => rest),
  mutant('scode-a-number', '`scode` is a number')
    .caughtBy('balance.read/envelope')
    .editBalance((rest) => ({ ...rest, scode: 0 })),
  mutant('amounts-as-text', 'amounts come as text')
    .caughtBy('balance.read/amounts')
    .amounts((amount) => amount.toFixed(5)),
  mutant('no-vouchers', 'the voucher balance is left out')
    .caughtBy('balance.read/amounts')
    .editBalance(({ data: { voucher_balance: _, ...data }, ...rest }) => ({ ...rest, data })),
  mutant('public', 'the balance is answered without a key')
    .caughtBy('balance.read/no-key-refused')
    .on('GET', ROUTE, ({ headers }, forward) => forward({ headers: { authorization: 'Bearer sk-none', ...headers } })),
];
