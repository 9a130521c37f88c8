import { z } from 'zod';
import { type Case, defineCase } from '../../core/case.ts';
import { expectShape, expectSuccess, expectUnauthenticated } from '../../core/expect.ts';

const PATH = '/users/me/balance';

const Envelope = z.object({ code: z.literal(0), data: z.object(), scode: z.literal('0x0'), status: z.literal(true) });

const Amounts = z.object({
  data: z.object({ available_balance: z.number(), voucher_balance: z.number(), cash_balance: z.number() }),
});

const balanceRead = defineCase({
  id: 'balance.read',
  title: 'the balance, as captured',
  needs: ['balance'],
  checks: {
    envelope: 'balance.envelope',
    amounts: 'balance.amounts',
    'no-key-refused': 'errors.no-key',
  },
  cost: () => ({ requests: 2 }),
  async run({ api, check }) {
    await check('no-key-refused', async () => expectUnauthenticated(await api.get(PATH, { key: null })));
    const reply = expectSuccess(await api.get(PATH));
    await check('envelope', () => expectShape(Envelope, reply.json, reply.what));
    await check('amounts', () => expectShape(Amounts, reply.json, reply.what));
  },
});

export const BALANCE_CASES: readonly Case[] = [balanceRead];
