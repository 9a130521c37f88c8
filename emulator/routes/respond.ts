import type { RequestContext } from '../middleware/context.ts';
import { sendJson, setHeader } from '../middleware/send.ts';

/** What a request is answered with. */
export interface Answer {
  body: object;
  status?: 200 | 201;
  /** The session's version, sent as `ETag`. */
  version?: number;
  /** Done once the change has taken effect. */
  afterwards?: () => void;
}

/** An answer as it is sent and stored. */
export interface WrittenAnswer {
  status: number;
  etag: string | null;
  body: string;
}

/** An answer on the wire. */
export function respond(c: RequestContext, answer: Answer): Response {
  return respondWritten(c, written(answer));
}

export function respondWritten(c: RequestContext, { status, etag, body }: WrittenAnswer): Response {
  if (etag !== null) setHeader(c, 'ETag', etag);
  return sendJson(c, status, body);
}

export function written({ body, status = 200, version }: Answer): WrittenAnswer {
  return { status, etag: version === undefined ? null : `"${version}"`, body: JSON.stringify(body) };
}
