import type { RequestContext } from '../middleware/context.ts';
import { stampTiming } from '../middleware/request-id.ts';

/** The live API's body for a route that it does not have, captured. */
export function unknownRoute(c: RequestContext): Response {
  const body = {
    code: 5,
    error: 'url.not_found',
    message: '没找到对象',
    method: c.req.method,
    scode: '0x5',
    status: false,
    ua: c.req.header('user-agent') ?? '',
    url: c.req.path,
  };
  c.header('x-should-retry', 'false');
  c.header('Content-Type', 'application/json; charset=utf-8');
  stampTiming(c);
  return c.body(JSON.stringify(body), 404);
}
