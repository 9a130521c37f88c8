import type { Handler, Hono } from 'hono';
import type { Env } from '../middleware/context.ts';

/** Routes that are loaded with the first request for one of them. */
export interface Deferred {
  /** Under which all of them stand, such as `/v1/sessions`. */
  base: string;
  /** Each as `METHOD /path`, the path below `base`. */
  routes: readonly string[];
  load(): Promise<Hono<Env>>;
}

/**
 * Serves routes whose module is loaded when the first of them is asked for: their schemas and rules are most of what a start
 * would have to load, and a start is waited for.
 */
export function defer(app: Hono<Env>, { base, routes, load }: Deferred): void {
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

function handlersOf(group: Hono<Env>): ReadonlyMap<string, Handler<Env>> {
  return new Map(group.routes.map(({ method, path, handler }) => [`${method} ${path}`, handler as Handler<Env>]));
}
