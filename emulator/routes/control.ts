import { Hono } from 'hono';
import type { Env } from '../middleware/context.ts';
import { respond } from './respond.ts';

/** The emulator's own routes, never part of the contract. */
export function controlRoutes() {
  const routes = new Hono<Env>();
  routes.get('/health', (c) => {
    const { tokenizer, model } = c.get('services');
    return respond(c, { body: { status: 'ok', tokenizer: tokenizer.name, model: model.name } });
  });
  return routes;
}
