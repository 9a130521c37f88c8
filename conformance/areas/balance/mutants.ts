import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { editJson, type Handler, on } from '../../proof/proxy.ts';

const mutant = mutantsOf('balance');

type Balance = Json & { data: Record<string, number> };

const ROUTE = '/v1/users/me/balance';

const editBalance = (edit: (balance: Balance) => unknown) => (): Handler =>
  on('GET', ROUTE, async (_, forward) => {
    const response = await forward();
    return response.ok ? editJson(response, edit) : response;
  });

const amounts = (edit: (amount: number) => unknown) =>
  editBalance(({ data, ...rest }) => ({
    ...rest,
    data: Object.fromEntries(Object.entries(data).map(([name, amount]) => [name, edit(amount)])),
  }));

export const BALANCE_MUTANTS: readonly Mutant[] = [
  mutant('no-status', 'the balance has no status')
    .caughtBy('balance.read/envelope')
    .proxy(editBalance(({ status: _, ...rest }) => rest)),
  mutant('scode-a-number', '`scode` is a number')
    .caughtBy('balance.read/envelope')
    .proxy(editBalance((rest) => ({ ...rest, scode: 0 }))),
  mutant('amounts-as-text', 'amounts come as text')
    .caughtBy('balance.read/amounts')
    .proxy(amounts((amount) => amount.toFixed(5))),
  mutant('no-vouchers', 'the voucher balance is left out')
    .caughtBy('balance.read/amounts')
    .proxy(editBalance(({ data: { voucher_balance: _, ...data }, ...rest }) => ({ ...rest, data }))),
  mutant('public', 'the balance is answered without a key')
    .caughtBy('balance.read/no-key-refused')
    .proxy(() =>
      on('GET', ROUTE, ({ headers }, forward) => forward({ headers: { authorization: 'Bearer sk-none', ...headers } })),
    ),
];
