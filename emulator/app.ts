import { Hono } from 'hono';
import { authenticate } from './middleware/authenticate.ts';
import type { Env } from './middleware/context.ts';
import { strikeFaults } from './middleware/faults.ts';
import { type GuardOptions, guard } from './middleware/guard.ts';
import { limitRate } from './middleware/rate-limit.ts';
import { requestId } from './middleware/request-id.ts';
import type { RateLimits } from './rate/rate-limits.ts';
import { healthRoutes } from './routes/control/health.ts';
import { defer } from './routes/deferred.ts';
import { apiGroups, controlGroups } from './routes/groups.ts';
import { modelRoutes } from './routes/models.ts';
import { errorResponse } from './routes/render-error.ts';
import { unknownRoute } from './routes/unknown.ts';
import type { Services } from './services.ts';

export interface AppOptions extends GuardOptions {
  /** Keys that are let in; any key where undefined. */
  keys: readonly string[] | undefined;
  /** Characters of one streamed chunk. */
  chunkCharacters: number;
  /** What accounts may do at most; undefined for anything. */
  rates: RateLimits | undefined;
}

/** Puts middleware and routes together. Every error of the walk ends in the one `onError`. */
export function createApp(services: Services, { chunkCharacters, ...options }: AppOptions): Hono<Env> {
  const { limits } = services;
  const app = new Hono<Env>();
  app.onError((error, c) => errorResponse(c, error));
  app.notFound((c) => unknownRoute(c));
  app.use(requestId(services));
  app.use(guard(options));
  app.route('/_emulator', healthRoutes());
  for (const group of controlGroups(limits)) defer(app, group);
  app.use('/v1/*', authenticate(options.keys));
  if (options.rates) app.use('/v1/chat/completions', limitRate(options.rates));
  app.use('/v1/*', strikeFaults(services.faults));
  app.route('/v1', modelRoutes(limits));
  for (const group of apiGroups(limits, chunkCharacters)) defer(app, group);
  return app;
}
