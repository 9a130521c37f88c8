import type { RequestContext } from './context.ts';

/** Answers a request. */
export type Handler = (c: RequestContext) => Response | Promise<Response>;

/** The same, or leaves the request to what follows. */
export type Step = (c: RequestContext, next: Handler) => Response | Promise<Response>;

/** Routes of one module, by `METHOD /path`. A part of a path that begins with a colon takes any one segment. */
export class Routes {
  readonly handlers = new Map<string, Handler>();

  get(path: string, handler: Handler): void {
    this.handlers.set(`GET ${path}`, handler);
  }

  post(path: string, handler: Handler): void {
    this.handlers.set(`POST ${path}`, handler);
  }

  put(path: string, handler: Handler): void {
    this.handlers.set(`PUT ${path}`, handler);
  }

  delete(path: string, handler: Handler): void {
    this.handlers.set(`DELETE ${path}`, handler);
  }
}

/** What a path may go on with. */
interface Place {
  readonly segments: Map<string, Place>;
  /** For any other segment. */
  any: Place | undefined;
  readonly handlers: Map<string, Found>;
}

interface Found {
  handler: Handler;
  /** Names of the segments that may be any, in their order. */
  names: readonly string[];
}

const newPlace = (): Place => ({ segments: new Map(), any: undefined, handlers: new Map() });

/** Finds the handler of a request by its method and path. */
export class Router {
  readonly #root = newPlace();
  /** Paths without names, such as that of chats. */
  readonly #fixed = new Map<string, Handler>();

  add(method: string, path: string, handler: Handler): void {
    const names: string[] = [];
    let place = this.#root;
    for (const segment of path.slice(1).split('/')) {
      if (segment.startsWith(':')) {
        names.push(segment.slice(1));
        place.any ??= newPlace();
        place = place.any;
      } else {
        const next = place.segments.get(segment) ?? newPlace();
        place.segments.set(segment, next);
        place = next;
      }
    }
    place.handlers.set(method, { handler, names });
    if (names.length === 0) this.#fixed.set(`${method} ${path}`, handler);
  }

  /** Its handler, with what its path names in `c.req.params`. HEAD is answered as GET is. */
  match(c: RequestContext): Handler | undefined {
    const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
    const fixed = this.#fixed.get(`${method} ${c.req.path}`);
    if (fixed) return fixed;
    const values: string[] = [];
    const found = find(this.#root, c.req.path.slice(1).split('/'), 0, values)?.handlers.get(method);
    if (found) c.req.params = Object.fromEntries(found.names.map((name, index) => [name, values[index] ?? '']));
    return found?.handler;
  }
}

function find(place: Place, segments: readonly string[], at: number, values: string[]): Place | undefined {
  const segment = segments[at];
  if (segment === undefined) return place.handlers.size > 0 ? place : undefined;
  const next = place.segments.get(segment);
  const found = next && find(next, segments, at + 1, values);
  if (found || !place.any || segment === '') return found;
  values.push(segment);
  const named = find(place.any, segments, at + 1, values);
  if (!named) values.pop();
  return named;
}
