import { Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import { estimateRequest, MODEL_CREATED, MODEL_ID, type Model } from '../../contract/models.ts';
import type { Env } from '../middleware/context.ts';
import { readJson } from '../middleware/request-body.ts';
import { requireModel } from '../sessions/create.ts';
import { toChatMessage } from '../sessions/write.ts';
import { promptTokensSliced } from '../tokens/chat-template.ts';
import { change, respond } from './change.ts';

export function modelRoutes(limits: Limits) {
  const routes = new Hono<Env>();

  routes.get('/models', (c) => respond(c, { body: { object: 'list', data: [toModel(MODEL_ID, limits)] } }));

  routes.get('/models/:id', (c) => {
    const id = c.req.param('id');
    requireModel(id);
    return respond(c, { body: toModel(id, limits) });
  });

  const estimate = estimateRequest(limits);
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
