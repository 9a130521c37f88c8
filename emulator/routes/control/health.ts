import { Hono } from 'hono';
import type { Env } from '../../middleware/context.ts';
import { respond } from '../respond.ts';

/** Whether the emulator is up, and what it counts and answers with. */
export function healthRoutes() {
  const routes = new Hono<Env>();
  routes.get('/health', (c) => {
    const { tokenizer, model } = c.get('services');
    return respond(c, { body: { status: 'ok', tokenizer: tokenizer.name, model: model.name } });
  });
  return routes;
}
