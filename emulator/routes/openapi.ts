import { Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import { openApi } from '../../contract/openapi.ts';
import type { Env } from '../http/context.ts';
import { respond } from '../http/respond.ts';
import { VERSION } from '../version.ts';

export function openApiRoutes(limits: Limits) {
  const routes = new Hono<Env>();
  let document: object | undefined;
  routes.get('/', (c) => {
    document ??= openApi(limits, VERSION);
    return respond(c, { body: document });
  });
  return routes;
}
