import type { Limits } from '../../contract/limits.ts';
import { type Balance, estimateRequest, type Model } from '../../contract/models.ts';
import { billingOf } from '../billing/billing.ts';
import { thinkingOf } from '../chat/settings.ts';
import { readItems, sumTokens } from '../chat/turn.ts';
import { Routes } from '../http/context.ts';
import { modelOf, parseFields, readMediaValue } from '../http/request-body.ts';
import { respond, respondWritten } from '../http/respond.ts';
import type { ServedModel } from '../models/profiles.ts';
import { mutate } from '../mutation.ts';
import { countContent, requireTools, requireToolsInPlace } from '../sessions/write.ts';

/** What an account has that was given no balance. Departure: the live API answers what is left of what was paid. */
const UNCHARGED = { available_balance: 49.58894, voucher_balance: 46.58893, cash_balance: 3.00001 };

/** Departure: an estimate is of a request that asks for nothing. The live API's answer for K3 is not known. */
const PLAIN = { toolChoice: 'auto', responseFormat: { type: 'text' } } as const;

/** Models, the estimate of a prompt's tokens, and the account's balance. */
export function modelRoutes(limits: Limits) {
  const estimate = estimateRequest(limits);
  const routes = new Routes();

  routes.get('/models', (c) => {
    const data = c
      .get('services')
      .profiles.listed()
      .map(({ id }) => toModel(id, c.get('services').profiles.of(id)));
    return respond(c, { body: { object: 'list', data } });
  });

  routes.get('/models/:id', (c) => {
    const id = c.req.param('id');
    return respond(c, { body: toModel(id, c.get('services').profiles.of(modelOf(c, id).id)) });
  });

  routes.post('/tokenizers/estimate-token-count', async (c) => {
    const body = await readMediaValue(c);
    const { model, messages, tools } = parseFields(c, estimate, body);
    const profile = modelOf(c, model);
    requireToolsInPlace(profile, body);
    requireTools(profile, tools ?? [], messages);
    const last = messages.at(-1);
    const partial = last?.role === 'assistant' && last.partial === true;
    // Changes nothing; its answer is stored under its key all the same.
    const answer = await mutate(c, undefined, {
      prepare: async () => {
        const { services } = c.var;
        const {
          write,
          tools: declared,
          counter,
        } = await countContent(services, { model, media: c.var }, messages, tools);
        const thinking = thinkingOf(services.profiles.of(model).profile, {});
        const added = await counter.request({ ...PLAIN, thinking: thinking.enabled, effort: thinking.effort }, partial);
        return (declared?.tokens ?? 0) + sumTokens(readItems(write.items, thinking)) + added;
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
function toModel(id: string, { profile: { created, row }, limits }: ServedModel): Model {
  return {
    id,
    object: 'model',
    created: created.value,
    owned_by: 'moonshot',
    permission: [NO_PERMISSION],
    root: '',
    parent: '',
    context_length: limits.window_tokens,
    ...row.value,
  };
}
