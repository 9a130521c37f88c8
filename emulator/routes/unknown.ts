import type { RequestContext } from '../middleware/context.ts';
import { sendJson, setHeader } from '../middleware/send.ts';

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
  setHeader(c, 'x-should-retry', 'false');
  return sendJson(c, 404, JSON.stringify(body));
}
