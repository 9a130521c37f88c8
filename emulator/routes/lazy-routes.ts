import type { Handler, Hono } from 'hono';
import type { Limits } from '../../contract/limits.ts';
import type { Env } from '../http/context.ts';

/** Routes that are loaded with the first request for one of them. */
interface LazyRoutes {
  /** The path that all of them begin with, such as `/v1/sessions`. */
  base: string;
  /** Each as `METHOD /path`, the path below `base`. */
  routes: readonly string[];
  load(): Promise<Hono<Env>>;
}

/** The emulator's own routes, never part of the contract. Anybody on this machine may use them. */
export function controlRoutes(limits: Limits): LazyRoutes[] {
  return [
    {
      base: '/_emulator',
      routes: [
        'GET /clock',
        'POST /clock',
        'POST /reset',
        'POST /baseline',
        'GET /export',
        'POST /import',
        'POST /faults',
        'GET /faults',
        'DELETE /faults',
        'DELETE /faults/:id',
        'GET /journal',
        'DELETE /journal',
        'GET /spend',
      ],
      load: async () => (await import('./control.ts')).controlRoutes(),
    },
    {
      base: '/openapi.json',
      routes: ['GET /'],
      load: async () => (await import('./openapi.ts')).openApiRoutes(limits),
    },
  ];
}

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
      load: async () => (await import('./sessions.ts')).sessionRoutes(limits),
    },
    {
      base: '/v1/sessions',
      routes: ['POST /:id/messages', 'GET /:id/messages', 'POST /:id/messages/:message'],
      load: async () => (await import('./messages.ts')).messageRoutes(limits),
    },
    {
      base: '/v1/sessions',
      routes: ['POST /:id/snapshots', 'GET /:id/snapshots'],
      load: async () => (await import('./snapshots.ts')).sessionSnapshotRoutes(limits),
    },
    {
      base: '/v1/snapshots',
      routes: ['GET /', 'GET /:id', 'DELETE /:id', 'GET /:id/messages', 'POST /:id/share', 'DELETE /:id/share'],
      load: async () => (await import('./snapshots.ts')).snapshotRoutes(limits),
    },
    {
      base: '/v1/shares',
      routes: ['GET /:share_id'],
      load: async () => (await import('./snapshots.ts')).shareRoutes(),
    },
    {
      base: '/v1',
      routes: ['POST /chat/completions'],
      load: loadChat,
    },
    {
      base: '/v1/files',
      routes: ['POST /', 'GET /', 'GET /:id', 'GET /:id/content', 'DELETE /:id'],
      load: async () => (await import('./files.ts')).fileRoutes(),
    },
    {
      base: '/v1',
      routes: ['GET /models', 'GET /models/:id', 'POST /tokenizers/estimate-token-count', 'GET /users/me/balance'],
      load: async () => (await import('./models.ts')).modelRoutes(limits),
    },
  ];
}

/**
 * Serves routes whose module is loaded when the first of them is asked for: their schemas and rules are most of what a start
 * would have to load, and a start is waited for.
 */
export function serveLazily(app: Hono<Env>, { base, routes, load }: LazyRoutes): void {
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
