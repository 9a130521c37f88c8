import { z } from 'zod';
import { defineCase } from '../../core/case.ts';
import { shaped, succeeded } from '../../core/expect.ts';

const Envelope = z.object({ code: z.literal(0), data: z.object(), scode: z.literal('0x0'), status: z.literal(true) });
const Amounts = z.object({
  data: z.object({ available_balance: z.number(), voucher_balance: z.number(), cash_balance: z.number() }),
});

export const balanceRead = defineCase({
  id: 'balance.read',
  title: 'the balance, as captured',
  needs: ['balance'],
  checks: { envelope: 'balance.envelope', amounts: 'balance.amounts' },
  cost: () => ({ requests: 1 }),
  async run(trial) {
    const reply = succeeded(await trial.api.get('/users/me/balance'));
    await trial.check('envelope', () => shaped(Envelope, reply.json, reply.what));
    await trial.check('amounts', () => shaped(Amounts, reply.json, reply.what));
  },
});
