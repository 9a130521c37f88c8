import { Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import { MODEL_CREATED, MODEL_ID } from '../../contract/model-names.ts';
import { type Balance, estimateRequest, type Model } from '../../contract/models.ts';
import { billingOf } from '../billing/billing.ts';
import { promptTokensSliced } from '../engines/tokens/chat-template.ts';
import type { Env } from '../http/context.ts';
import { readJson } from '../http/request-body.ts';
import { respond, respondWritten } from '../http/respond.ts';
import { requireModel } from '../models/known-models.ts';
import { mutate } from '../mutation.ts';
import { toChatMessage } from '../sessions/append.ts';

/** What an account has that was given no balance. Departure: the live API answers what is left of what was paid. */
const UNCHARGED = { available_balance: 49.58894, voucher_balance: 46.58893, cash_balance: 3.00001 };

/** Models, the estimate of a prompt's tokens, and the account's balance. */
export function modelRoutes(limits: Limits) {
  const estimate = estimateRequest(limits);
  const routes = new Hono<Env>();

  routes.get('/models', (c) => respond(c, { body: { object: 'list', data: [toModel(MODEL_ID, limits)] } }));

  routes.get('/models/:id', (c) => {
    const id = c.req.param('id');
    requireModel(id);
    return respond(c, { body: toModel(id, limits) });
  });

  routes.post('/tokenizers/estimate-token-count', async (c) => {
    const { model, messages, tools } = await readJson(c, estimate);
    requireModel(model);
    const last = messages.at(-1);
    const partial = last?.role === 'assistant' && last.partial === true;
    // Changes nothing; its answer is stored under its key all the same.
    const answer = await mutate(c, {
      prepare: async () => {
        const tokenizer = await c.get('services').tokenizer.load();
        return promptTokensSliced(tokenizer, messages.map(toChatMessage), tools ?? [], partial);
      },
      apply: (_, total_tokens) => ({ body: { data: { total_tokens } } }),
    });
    return respondWritten(c, answer);
  });

  routes.get('/users/me/balance', (c) => {
    const data = billingOf(c.get('services')).balance?.figures(c.get('account')) ?? UNCHARGED;
    const body: Balance = { code: 0, data, scode: '0x0', status: true };
    return respond(c, { body });
  });

  return routes;
}

function toModel(id: string, { window_tokens }: Limits): Model {
  return {
    id,
    object: 'model',
    created: MODEL_CREATED,
    owned_by: 'moonshot',
    context_length: window_tokens,
    supports_image_in: false,
    supports_video_in: false,
    supports_reasoning: false,
  };
}
