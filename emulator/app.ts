import { type Handler, Hono, type MiddlewareHandler } from 'hono';
import type { Limits } from '../contract/limits.ts';
import { ApiError } from './api-error.ts';
import { CONTROL_ROUTES } from './control-routes.ts';
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
import type { Inspecting } from './inspector/routes.ts';
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
  /** Whether requests may only look. */
  isReadOnly: boolean;
  /** Past windows of each session that can be looked at. */
  history: number;
}

/** Puts middleware and routes together. Every error of the walk ends in the one `onError`. */
export function createApp(
  services: Services,
  { chunkCharacters, gateway, isReadOnly, history, ...options }: AppOptions,
): Hono<Env> {
  const { limits, tokenizer, model, faults, isStateless } = services;
  const app = new Hono<Env>();
  app.onError((error, c) => errorResponse(c, error));
  app.notFound((c) => unknownRoute(c));
  app.use(openRequest(services));
  app.use(guard(options));
  app.get('/_emulator/health', (c) =>
    respond(c, { body: { status: 'ok', tokenizer: tokenizer.name, model: model.name } }),
  );
  if (isReadOnly) app.use(refuseWrites);
  for (const routes of controlRoutes(limits, gateway !== undefined)) serveLazily(app, routes);
  serveLazily(app, {
    base: '/',
    routes: ['GET /'],
    load: async () =>
      (await import('./routes/start-page.ts')).startPageRoutes({ isGateway: gateway !== undefined, isStateless }),
  });
  const send = (request: Request) => app.fetch(request);
  for (const routes of inspectorRoutes({ services, history, readOnly: isReadOnly, send })) serveLazily(app, routes);
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

/** Routes that are loaded with the first request for one of them. */
interface LazyRoutes {
  /** The path that all of them begin with, such as `/v1/sessions`. */
  base: string;
  /** Each as `METHOD /path`, the path below `base`. */
  routes: readonly string[];
  load(): Promise<Hono<Env>>;
}

/** Served without their module: the one tells at once that the server is up, the other has a module of its own. */
const SERVED_APART = ['GET /_emulator/health', 'GET /_emulator/ui'];

/** The emulator's own routes, never part of the contract. Anybody on this machine may use them. */
function controlRoutes(limits: Limits, isGateway: boolean): LazyRoutes[] {
  return [
    {
      base: '/_emulator',
      routes: CONTROL_ROUTES.filter(({ route }) => !SERVED_APART.includes(route)).map(({ route }) =>
        route.replace('/_emulator', ''),
      ),
      load: async () => (await import('./routes/control.ts')).controlRoutes(isGateway),
    },
    {
      base: '/openapi.json',
      routes: ['GET /'],
      load: async () => (await import('./routes/control.ts')).openApiRoutes(limits),
    },
  ];
}

/** The inspector: its page, and what the page reads and does. */
function inspectorRoutes(inspecting: Inspecting): LazyRoutes[] {
  return [
    {
      base: '/_emulator/ui',
      routes: ['GET /', 'GET /:file'],
      load: async () => (await import('./inspector/routes.ts')).pageRoutes(),
    },
    {
      base: '/_emulator/inspect',
      routes: [
        'GET /',
        'GET /live',
        'GET /sessions',
        'GET /snapshots',
        'GET /sessions/:id',
        'GET /sessions/:id/window',
        'GET /sessions/:id/text',
        'GET /sessions/:id/diff',
        'GET /sessions/:id/dropped',
        'GET /sessions/:id/summary',
        'GET /requests',
        'GET /requests/:n',
        'GET /spend',
        'GET /faults',
        'GET /doctor',
        'POST /actions/:name',
      ],
      load: async () => (await import('./inspector/routes.ts')).inspectRoutes(inspecting),
    },
  ];
}

/** @throws ApiError `permission_denied` for all but reads */
const refuseWrites: MiddlewareHandler<Env> = (c, next) => {
  if (c.req.method !== 'GET') throw new ApiError('permission_denied', { control: 'read only' });
  return next();
};

/** The routes of the contract, which need an account. */
export function apiRoutes(limits: Limits, loadChat: LazyRoutes['load']): LazyRoutes[] {
  return [
    {
      base: '/v1/sessions',
      routes: [
        'POST /',
        'GET /',
        'GET /:id',
        'POST /:id',
        'DELETE /:id',
        'POST /:id/truncate',
        'POST /:id/rollback',
        'POST /:id/compress',
      ],
      load: async () => (await import('./routes/sessions.ts')).sessionRoutes(limits),
    },
    {
      base: '/v1/sessions',
      routes: ['POST /:id/messages', 'GET /:id/messages', 'POST /:id/messages/:message'],
      load: async () => (await import('./routes/messages.ts')).messageRoutes(limits),
    },
    {
      base: '/v1/sessions',
      routes: ['POST /:id/snapshots', 'GET /:id/snapshots'],
      load: async () => (await import('./routes/snapshots.ts')).sessionSnapshotRoutes(limits),
    },
    {
      base: '/v1/snapshots',
      routes: ['GET /', 'GET /:id', 'DELETE /:id', 'GET /:id/messages', 'POST /:id/share', 'DELETE /:id/share'],
      load: async () => (await import('./routes/snapshots.ts')).snapshotRoutes(limits),
    },
    {
      base: '/v1/shares',
      routes: ['GET /:share_id'],
      load: async () => (await import('./routes/snapshots.ts')).shareRoutes(),
    },
    {
      base: '/v1',
      routes: ['POST /chat/completions'],
      load: loadChat,
    },
    {
      base: '/v1/files',
      routes: ['POST /', 'GET /', 'GET /:id', 'GET /:id/content', 'DELETE /:id'],
      load: async () => (await import('./routes/files.ts')).fileRoutes(),
    },
    {
      base: '/v1',
      routes: ['GET /models', 'GET /models/:id', 'POST /tokenizers/estimate-token-count', 'GET /users/me/balance'],
      load: async () => (await import('./routes/models.ts')).modelRoutes(limits),
    },
  ];
}

/**
 * Serves routes whose module is loaded when the first of them is asked for: their schemas and rules are most of what a start
 * would have to load, and a start is waited for.
 */
function serveLazily(app: Hono<Env>, { base, routes, load }: LazyRoutes): void {
  let loading: Promise<ReadonlyMap<string, Handler<Env>>> | undefined;
  let handlers: ReadonlyMap<string, Handler<Env>> | undefined;
  const handlerOf = (route: string): Handler<Env> => {
    const handler = handlers?.get(route);
    if (!handler) throw new Error(`${base} has no route ${route}`);
    return handler;
  };
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ');
    app.on(method, path === '/' ? base : base + path, (c, next) => {
      if (handlers) return handlerOf(route)(c, next);
      loading ??= load().then(handlersOf);
      return loading.then((loaded) => {
        handlers = loaded;
        return handlerOf(route)(c, next);
      });
    });
  }
}

function handlersOf(routes: Hono<Env>): ReadonlyMap<string, Handler<Env>> {
  return new Map(routes.routes.map(({ method, path, handler }) => [`${method} ${path}`, handler as Handler<Env>]));
}
