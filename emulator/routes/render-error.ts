import { ERRORS, type ErrorBody, LIVE_TEXT } from '../../contract/errors.ts';
import { ApiError, ClientGone } from '../errors.ts';
import type { RequestContext } from '../middleware/context.ts';
import { sendJson, setHeader } from '../middleware/send.ts';

const ADDRESSED = /^\/v1\/(?:sessions|snapshots|shares)(?:\/|$)/;
/** The live API names a second in its texts for errors that pass. */
const RETRY_AFTER_SECONDS = '1';

/** Any error as the one envelope. What is no refusal of ours is a defect: it is logged, and nothing of it is shown. */
export function renderError(c: RequestContext, error: unknown): ErrorBody {
  const refusal = toApiError(error);
  c.get('exchange')?.refusedWith(refusal.code);
  return refusal.toBody(ADDRESSED.test(c.req.path) || c.get('addressed') === true);
}

/** The error as a response, with the headers that tell a client whether to try again. */
export function errorResponse(c: RequestContext, error: unknown): Response {
  const refusal = toApiError(error);
  const { status, retry } = ERRORS[refusal.code];
  setHeader(c, 'x-should-retry', String(retry));
  if (retry && (status === 409 || status === 429)) setHeader(c, 'Retry-After', RETRY_AFTER_SECONDS);
  return sendJson(c, status, JSON.stringify(renderError(c, refusal)));
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof ClientGone)) console.error('kimi-emulator: unexpected error', error);
  return new ApiError('unexpected_output', LIVE_TEXT.unexpectedOutput);
}
