import { Hono } from 'hono';
import { LIMITS, type Limits } from '../../contract/limits.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { type Balance, estimateRequest, type Model } from '../../contract/models.ts';
import { billingOf } from '../billing/billing.ts';
import { requireTools, requireToolsInPlace } from '../chat/profile-rules.ts';
import { promptTokensSliced } from '../engines/tokens/chat-template.ts';
import type { Env } from '../http/context.ts';
import { parseFields, readValue } from '../http/request-body.ts';
import { respond, respondWritten } from '../http/respond.ts';
import { listedProfiles } from '../models/known-models.ts';
import { mutate } from '../mutation.ts';
import { toChatMessage } from '../sessions/append.ts';
import { modelOf } from './model-of.ts';

/** What an account has that was given no balance. Departure: the live API answers what is left of what was paid. */
const UNCHARGED = { available_balance: 49.58894, voucher_balance: 46.58893, cash_balance: 3.00001 };

/** Models, the estimate of a prompt's tokens, and the account's balance. */
export function modelRoutes(limits: Limits) {
  const estimate = estimateRequest(limits);
  const routes = new Hono<Env>();

  routes.get('/models', (c) => {
    const data = listedProfiles(c.get('services')).map((profile) => toModel(profile.id, profile, limits));
    return respond(c, { body: { object: 'list', data } });
  });

  routes.get('/models/:id', (c) => {
    const id = c.req.param('id');
    return respond(c, { body: toModel(id, modelOf(c, id), limits) });
  });

  routes.post('/tokenizers/estimate-token-count', async (c) => {
    const body = await readValue(c);
    const { model, messages, tools } = parseFields(c, estimate, body);
    const profile = modelOf(c, model);
    requireToolsInPlace(profile, body);
    requireTools(profile, tools ?? [], messages);
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

/** A row has neither permissions nor a model that it was made from: a list of 2024 was recorded with these values. */
const NO_PERMISSION = {
  created: 0,
  id: '',
  object: '',
  allow_create_engine: false,
  allow_sampling: false,
  allow_logprobs: false,
  allow_search_indices: false,
  allow_view: false,
  allow_fine_tuning: false,
  organization: 'public',
  group: 'public',
  is_blocking: false,
};

/** Departure: the form of `permission` is that of 2024; today's is not known. */
function toModel(id: string, { created, window, row }: ModelProfile, { window_tokens }: Limits): Model {
  return {
    id,
    object: 'model',
    created: created.value,
    owned_by: 'moonshot',
    permission: [NO_PERMISSION],
    root: '',
    parent: '',
    context_length: window_tokens === LIMITS.window_tokens.default ? window.value : window_tokens,
    ...row.value,
  };
}
