import { Hono } from 'hono';
import type { Env } from './http/context.ts';
import { applyFaults, authenticate, type GuardOptions, guard, limitRate, openRequest } from './http/middleware.ts';
import { errorResponse, unknownRoute } from './http/render-error.ts';
import { respond } from './http/respond.ts';
import type { RateLimits } from './rate/rate-limits.ts';
import { apiRoutes, controlRoutes, serveLazily } from './routes/lazy-routes.ts';
import type { Services } from './services.ts';

interface AppOptions extends GuardOptions {
  /** Keys that are let in; any key where undefined. */
  keys: readonly string[] | undefined;
  /** Characters of one streamed chunk. */
  chunkCharacters: number;
  /** What accounts may do at most; undefined for anything. */
  rates: RateLimits | undefined;
}

/** Puts middleware and routes together. Every error of the walk ends in the one `onError`. */
export function createApp(services: Services, { chunkCharacters, ...options }: AppOptions): Hono<Env> {
  const { limits, tokenizer, model, faults } = services;
  const app = new Hono<Env>();
  app.onError((error, c) => errorResponse(c, error));
  app.notFound((c) => unknownRoute(c));
  app.use(openRequest(services));
  app.use(guard(options));
  app.get('/_emulator/health', (c) =>
    respond(c, { body: { status: 'ok', tokenizer: tokenizer.name, model: model.name } }),
  );
  for (const routes of controlRoutes(limits)) serveLazily(app, routes);
  app.use('/v1/*', authenticate(options.keys));
  if (options.rates) app.use('/v1/chat/completions', limitRate(options.rates));
  app.use('/v1/*', applyFaults(faults));
  for (const routes of apiRoutes(limits, chunkCharacters)) serveLazily(app, routes);
  return app;
}
