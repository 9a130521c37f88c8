import type { IncomingMessage, ServerResponse } from 'node:http';

/** Where a request came in and its answer goes out. Absent in process. */
export interface Connection {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
}

/** Only its path and query are read: which host was asked is the guard's affair. */
const ORIGIN = 'http://localhost';
/** A character that a URL has to escape, or what may be a segment of dots. */
const UNUSUAL = /[^!#$&-;=?-[\]_a-z~]|\/\./;

/**
 * What the walk reads of a `Request`, straight off the connection: to make a whole one costs as much as the walk itself. The
 * body is not among it: `bodyParts` reads it.
 */
export class NodeRequest implements Pick<Request, 'method' | 'url'> {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };

  /** @throws TypeError where the target is no path and no URL */
  constructor({ method = 'GET', url = '/', headers }: IncomingMessage) {
    this.method = method;
    this.url = absolute(url);
    this.headers = {
      get(name) {
        const value = headers[name.toLowerCase()];
        return value === undefined ? null : String(value);
      },
    };
  }
}

function absolute(target: string): string {
  if (target.startsWith('/') && !UNUSUAL.test(target)) return ORIGIN + target;
  if (/^[^?]*\\/.test(target)) throw new TypeError('a backslash in the path');
  if (target.startsWith('/')) return new URL(ORIGIN + target).href;
  if (/^https?:\/\//.test(target)) return new URL(target).href;
  throw new TypeError('neither a path nor a URL');
}
