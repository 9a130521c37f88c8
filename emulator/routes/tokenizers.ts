import { Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import { estimateRequest } from '../../contract/models.ts';
import { promptTokensSliced } from '../engines/tokens/chat-template.ts';
import type { Env } from '../middleware/context.ts';
import { readJson } from '../middleware/request-body.ts';
import { requireModel } from '../models/known-models.ts';
import { toChatMessage } from '../sessions/write.ts';
import { change } from './change.ts';

export function tokenizerRoutes(limits: Limits) {
  const estimate = estimateRequest(limits);
  const routes = new Hono<Env>();

  routes.post('/tokenizers/estimate-token-count', async (c) => {
    const { model, messages, tools } = await readJson(c, estimate);
    requireModel(model);
    const last = messages.at(-1);
    const partial = last?.role === 'assistant' && last.partial === true;
    const count = async () => {
      const tokenizer = await c.get('services').tokenizer.load();
      return promptTokensSliced(tokenizer, messages.map(toChatMessage), tools ?? [], partial);
    };
    return change(c, count, (total_tokens) => ({ body: { data: { total_tokens } } }));
  });

  return routes;
}
