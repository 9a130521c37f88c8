import type { Limits } from '../contract/limits.ts';
import { ApiError } from './api-error.ts';
import { CONTROL_ROUTES } from './control-routes.ts';
import type { Gateway } from './gateway/gateway.ts';
import { type Handler, type RequestContext, Router, type Routes, type Step } from './http/context.ts';
import {
  applyFaults,
  authenticate,
  DIALECT,
  type GuardOptions,
  guard,
  HEALTH,
  limitRate,
  openRequest,
} from './http/middleware.ts';
import type { RateLimits } from './http/rate-limits.ts';
import { errorResponse, respond, unknownRoute } from './http/respond.ts';
import type { Inspecting } from './inspector/routes.ts';
import { lazy } from './lazy.ts';
import type { Connection } from './server.ts';
import type { Services } from './services.ts';
import type { SummaryWriter } from './sessions/compress.ts';

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

/** Answers requests, from a connection or in process. Every error of the walk ends in the one `errorResponse`. */
export class App {
  readonly #services: Services;
  readonly #router = new Router();
  /** What a request walks through on the way to its route. */
  readonly #walk: Handler;
  readonly #walkOfApi: Handler;

  constructor(services: Services, { chunkCharacters, gateway, isReadOnly, history, ...options }: AppOptions) {
    const { limits, tokenizer, model, faults, isStateless } = services;
    this.#services = services;
    const route: Handler = (c) => this.#router.match(c)?.(c) ?? unknownRoute(c);
    const rate = options.rates && limitRate(options.rates);
    this.#walkOfApi = through(
      [
        authenticate({ keys: options.keys, isOptional: gateway?.passesKeys === true }),
        rate && ((c, next) => (c.req.path === CHAT ? rate(c, next) : next(c))),
        applyFaults(faults),
        gateway && handOn(gateway),
      ],
      route,
    );
    this.#walk = through([guard(options), isReadOnly ? refuseWrites : undefined], (c) =>
      API.test(c.req.path) ? this.#walkOfApi(c) : route(c),
    );
    this.#router.add('GET', HEALTH, (c) =>
      respond(c, { body: { status: 'ok', tokenizer: tokenizer.name, model: model.name } }),
    );
    const loadChat = async () =>
      gateway
        ? (await import('./gateway/chat-route.ts')).gatewayChatRoutes(gateway, limits)
        : (await import('./routes/chat-completions.ts')).chatRoutes(limits, { chunkCharacters, isStateless });
    const send = (request: Request) => this.fetch(request);
    const served = [
      ...controlRoutes(limits, gateway !== undefined),
      {
        base: '/',
        routes: ['GET /'],
        load: async () =>
          (await import('./routes/start-page.ts')).startPageRoutes({ isGateway: gateway !== undefined, isStateless }),
      },
      ...inspectorRoutes({ services, history, readOnly: isReadOnly, send }),
      ...apiRoutes(limits, loadChat, gateway && (() => loadWriter(gateway))).filter(
        ({ base }) => !isStateless || !DIALECT.test(base),
      ),
    ];
    for (const routes of served) serveLazily(this.#router, routes);
  }

  /** Answers in process. */
  async fetch(request: Request): Promise<Response> {
    const response = await this.#answer(openRequest(this.#services, request));
    return request.method === 'HEAD' ? new Response(null, response) : response;
  }

  /** Answers onto a connection. @throws UnreadableRequest */
  readonly answer = (connection: Connection): void => {
    void this.#answer(openRequest(this.#services, connection));
  };

  async #answer(c: RequestContext): Promise<Response> {
    try {
      return await this.#walk(c);
    } catch (error) {
      return errorResponse(c, error);
    } finally {
      // Measured and stored by now, also where the answer is still to be streamed.
      c.releaseLifted();
    }
  }
}

const CHAT = '/v1/chat/completions';
const API = /^\/v1(?:\/|$)/;

/** Steps one after another, and what they lead to. */
function through(steps: readonly (Step | undefined)[], end: Handler): Handler {
  return steps.reduceRight<Handler>((next, step) => (step ? (c) => step(c, next) : next), end);
}

async function loadWriter(gateway: Gateway): Promise<(c: RequestContext) => SummaryWriter> {
  const { UpstreamSummary } = await import('./gateway/summary.ts');
  return (c) => new UpstreamSummary(c, gateway);
}

/** Hands on to the upstream what is not of the session dialect. Loaded with the first request. */
function handOn(gateway: Gateway): Step {
  const load = lazy(() => import('./gateway/pass-through.ts'));
  let passOn: Step | undefined;
  return async (c, next) => {
    passOn ??= (await load()).passThrough(gateway);
    return passOn(c, next);
  };
}

/** Routes that are loaded with the first request for one of them. */
interface LazyRoutes {
  /** The path that all of them begin with, such as `/v1/sessions`. */
  base: string;
  /** Each as `METHOD /path`, the path below `base`. */
  routes: readonly string[];
  load(): Promise<Routes>;
}

/** Served without their module: the one tells at once that the server is up, the other has a module of its own. */
const SERVED_APART = [`GET ${HEALTH}`, 'GET /_emulator/ui'];

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
      base: '/_emulator/ui/',
      routes: ['GET /'],
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
const refuseWrites: Step = (c, next) => {
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD' && c.req.path !== HEALTH)
    throw new ApiError('permission_denied', { control: 'read only' });
  return next(c);
};

/** The routes of the contract, which need an account. */
export function apiRoutes(
  limits: Limits,
  loadChat: LazyRoutes['load'],
  newWriter?: () => Promise<(c: RequestContext) => SummaryWriter>,
): LazyRoutes[] {
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
      load: async () => (await import('./routes/sessions.ts')).sessionRoutes(limits, await newWriter?.()),
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
function serveLazily(router: Router, { base, routes, load }: LazyRoutes): void {
  const loading = lazy(load);
  let loaded: Routes | undefined;
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ');
    const handle = (c: RequestContext, { handlers }: Routes): Response | Promise<Response> => {
      const handler = handlers.get(route);
      if (!handler) throw new Error(`${base} has no route ${route}`);
      return handler(c);
    };
    router.add(method, path === '/' ? base : base + path, (c) => {
      if (loaded) return handle(c, loaded);
      return loading().then((routes) => {
        loaded = routes;
        return handle(c, routes);
      });
    });
  }
}
