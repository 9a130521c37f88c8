import { later } from '../later.ts';
import type { RequestContext } from '../middleware/context.ts';
import { sendJson, setHeader } from '../middleware/send.ts';

const hints = later(() => import('../hints/requests.ts'));

/** The live API's body for a route that it does not have, captured. */
export async function unknownRoute(c: RequestContext): Promise<Response> {
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
  const { unknownRouteHint } = await hints();
  setHeader(c, 'Kimi-Emulator-Hint', unknownRouteHint(c.req.method, c.req.path));
  setHeader(c, 'x-should-retry', 'false');
  return sendJson(c, 404, JSON.stringify(body));
}
