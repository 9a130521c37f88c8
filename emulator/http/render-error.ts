import { setImmediate as nextTick } from 'node:timers/promises';
import { ERRORS, type ErrorBody, type ErrorRow } from '../../contract/errors.ts';
import { ApiError, ClientGone } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import { lazy } from '../lazy.ts';
import type { Store } from '../store/store.ts';
import { isAddressed, type RequestContext } from './context.ts';
import { send, sendJson, setHeader } from './respond.ts';

/** Sent where nobody knows how long the error will last: what the live API names in its texts. */
const WAIT_SECONDS = 1;
/** Statuses whose refusals an earlier request may have led to. */
const HINTED: ReadonlySet<number> = new Set([400, 404, 409]);
/** Loaded with the first refusal that has one. */
const hints = lazy(() => import('../hints/hint.ts'));
const requestHints = lazy(() => import('../hints/requests.ts'));

/** Any error as the one envelope. What is not an `ApiError` is a defect: it is logged, and nothing of it is shown. */
export function renderError(c: RequestContext, error: unknown): ErrorBody {
  const refusal = toApiError(c, error);
  c.get('exchange')?.refusedWith(refusal.code);
  return refusal.toBody(isAddressed(c));
}

/** The error as a response, with the headers that tell a client whether to try again. */
export async function errorResponse(c: RequestContext, error: unknown): Promise<Response> {
  const refusal = toApiError(c, error);
  const { status, retry, html }: ErrorRow = ERRORS[refusal.code];
  setHeader(c, 'x-should-retry', String(retry));
  if (retry && (status === 409 || status === 429)) {
    const wait = String(refusal.retryAfter ?? WAIT_SECONDS);
    setHeader(c, 'Retry-After', wait);
    if (status === 429) setHeader(c, 'X-Retry-After', wait);
  }
  // Who asks again at once, in this process, must not keep the work that it waits for from going on.
  if (retry) await nextTick();
  if (HINTED.has(status)) await addHint(c, refusal);
  const body = renderError(c, refusal);
  return html ? sendPage(c, status, refusal.message) : sendJson(c, status, JSON.stringify(body));
}

function sendPage(c: RequestContext, status: number, title: string): Response {
  setHeader(c, 'Content-Type', 'text/html');
  const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<h1>${title}</h1>\r\n</body>\r\n</html>\r\n`;
  return send(c, status, page);
}

/** Says in a header what led to the refusal and what to do. Status and body are never changed by it. */
async function addHint(c: RequestContext, refusal: ApiError): Promise<void> {
  const { journal, limits, clock } = c.get('services');
  const known = journal.of(c.get('account') ?? '');
  const { path, method } = c.req;
  const query = method === 'GET' ? c.req.query() : undefined;
  const request = { exchange: c.get('exchange'), body: c.get('body'), path, query };
  try {
    const { hintFor } = await hints();
    const hint = hintFor({ refusal, ...request, known, limits, now: unixSeconds(clock) });
    if (hint !== undefined) setHeader(c, 'Kimi-Emulator-Hint', hint);
  } catch (error) {
    console.error('kimi-emulator: a hint failed', error);
  }
}

function toApiError(c: RequestContext, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  // Who was still waiting when the emulator was closed has had the connection dropped.
  const { store } = c.get('services');
  const nobodyWaits = error instanceof ClientGone || store.closed;
  if (!nobodyWaits) log(error, store);
  return new ApiError('unexpected_output', {});
}

/** A full disk is for the user to fix, and gets one line in the log; anything else is a defect. */
function log(error: unknown, store: Store): void {
  const fault = store.diskFault(error);
  if (fault === undefined) console.error('kimi-emulator: unexpected error', error);
  else console.error(`kimi-emulator: a request was refused: ${fault}`);
}

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
  const { unknownRouteHint } = await requestHints();
  setHeader(c, 'Kimi-Emulator-Hint', unknownRouteHint(c.req.method, c.req.path));
  setHeader(c, 'x-should-retry', 'false');
  return sendJson(c, 404, JSON.stringify(body));
}
