import { Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import { MODEL_CREATED, MODEL_ID } from '../../contract/model-names.ts';
import type { Model } from '../../contract/models.ts';
import type { Env } from '../middleware/context.ts';
import { requireModel } from '../models/known-models.ts';
import { respond } from './respond.ts';

export function modelRoutes(limits: Limits) {
  const routes = new Hono<Env>();

  routes.get('/models', (c) => respond(c, { body: { object: 'list', data: [toModel(MODEL_ID, limits)] } }));

  routes.get('/models/:id', (c) => {
    const id = c.req.param('id');
    requireModel(id);
    return respond(c, { body: toModel(id, limits) });
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
