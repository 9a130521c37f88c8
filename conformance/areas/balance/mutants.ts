import { mutantsOf } from '../../proof/chats.ts';
import type { Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { editJson, type Handler, on } from '../../proof/proxy.ts';

const balance = mutantsOf('balance');

type Balance = Json & { data: Record<string, number> };

const ROUTE = '/v1/users/me/balance';

const told = (edit: (balance: Balance) => unknown) => (): Handler =>
  on('GET', ROUTE, async (_, forward) => {
    const response = await forward();
    return response.ok ? editJson(response, edit) : response;
  });

const amounts = (edit: (amount: number) => unknown) =>
  told(({ data, ...rest }) => ({
    ...rest,
    data: Object.fromEntries(Object.entries(data).map(([name, amount]) => [name, edit(amount)])),
  }));

export const BALANCE_MUTANTS: readonly Mutant[] = [
  balance(
    'no-status',
    'the balance has no status',
    ['balance.read/envelope'],
    told(({ status: _, ...rest }) => rest),
  ),
  balance(
    'scode-a-number',
    '`scode` is a number',
    ['balance.read/envelope'],
    told((rest) => ({ ...rest, scode: 0 })),
  ),
  balance(
    'amounts-as-text',
    'amounts come as text',
    ['balance.read/amounts'],
    amounts((amount) => amount.toFixed(5)),
  ),
  balance(
    'no-vouchers',
    'the voucher balance is left out',
    ['balance.read/amounts'],
    told(({ data: { voucher_balance: _, ...data }, ...rest }) => ({ ...rest, data })),
  ),
  balance('public', 'the balance is told to who has no key', ['balance.read/no-key-refused'], () =>
    on('GET', ROUTE, ({ headers }, forward) => forward({ headers: { authorization: 'Bearer sk-none', ...headers } })),
  ),
];
