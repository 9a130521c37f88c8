import { Hono, type MiddlewareHandler } from 'hono';
import type { Gateway } from './gateway/gateway.ts';
import type { Env } from './http/context.ts';
import {
  applyFaults,
  authenticate,
  DIALECT,
  type GuardOptions,
  guard,
  limitRate,
  openRequest,
} from './http/middleware.ts';
import type { RateLimits } from './http/rate-limits.ts';
import { errorResponse, respond, unknownRoute } from './http/respond.ts';
import { apiRoutes, controlRoutes, serveLazily } from './routes/lazy-routes.ts';
import type { Services } from './services.ts';

interface AppOptions extends GuardOptions {
  /** Keys that are let in; any key where undefined. */
  keys: readonly string[] | undefined;
  /** Characters of one streamed chunk. */
  chunkCharacters: number;
  /** What accounts may do at most; undefined for anything. */
  rates: RateLimits | undefined;
  /** Where answers come from, instead of the model. */
  gateway: Gateway | undefined;
}

/** Puts middleware and routes together. Every error of the walk ends in the one `onError`. */
export function createApp(services: Services, { chunkCharacters, gateway, ...options }: AppOptions): Hono<Env> {
  const { limits, tokenizer, model, faults, isStateless } = services;
  const app = new Hono<Env>();
  app.onError((error, c) => errorResponse(c, error));
  app.notFound((c) => unknownRoute(c));
  app.use(openRequest(services));
  app.use(guard(options));
  app.get('/_emulator/health', (c) =>
    respond(c, { body: { status: 'ok', tokenizer: tokenizer.name, model: model.name } }),
  );
  for (const routes of controlRoutes(limits)) serveLazily(app, routes);
  app.use('/v1/*', authenticate({ keys: options.keys, isOptional: gateway?.passesKeys === true }));
  if (options.rates) app.use('/v1/chat/completions', limitRate(options.rates));
  app.use('/v1/*', applyFaults(faults));
  if (gateway) app.use('/v1/*', handOn(gateway));
  const loadChat = async () =>
    gateway
      ? (await import('./gateway/chat-route.ts')).gatewayChatRoutes(gateway, limits)
      : (await import('./routes/chat-completions.ts')).chatRoutes(limits, { chunkCharacters, isStateless });
  const routes = apiRoutes(limits, loadChat).filter(({ base }) => !isStateless || !DIALECT.test(base));
  for (const each of routes) serveLazily(app, each);
  return app;
}

/** Hands on to the upstream what is not of the session dialect. Loaded with the first request. */
function handOn(gateway: Gateway): MiddlewareHandler<Env> {
  let loaded: MiddlewareHandler<Env> | undefined;
  return async (c, next) => {
    loaded ??= (await import('./gateway/pass-through.ts')).passThrough(gateway);
    return loaded(c, next);
  };
}
