import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { ask, editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import { type Forward, type Handler, json, on, type Passing } from '../../proxy.ts';

export const ROUTE = '/v1/sessions/:id/compress';

/** Forwards another request. */
export function asking(change: (body: Json) => Json): () => Handler {
  return () => on('POST', ROUTE, ({ body }, forward) => forward({ body: change((body ?? {}) as Json) }));
}

/** Changes the answer of a compress that succeeded. */
export function answering(edit: (body: Json) => Json): () => Handler {
  return () => on('POST', ROUTE, async (_, forward) => editSuccess(await forward(), edit));
}

/** Does something with refusals of this code, or of any. */
export function onRefusal(
  code: string | undefined,
  work: (response: Response, request: Passing & { ids: string[] }, forward: Forward) => Promise<Response>,
): () => Handler {
  return () =>
    on('POST', ROUTE, async (request, forward) => {
      const response = await forward();
      if (response.ok) return response;
      const { error } = (await response.clone().json()) as { error: { code?: string } };
      return code === undefined || error.code === code ? work(response, request, forward) : response;
    });
}

/** What a compress that does nothing answers. */
export async function doingNothing(
  { ids: [id], body }: Passing & { ids: string[] },
  forward: Forward,
): Promise<Response> {
  const { usage, version } = (await ask(forward, 'GET', `/v1/sessions/${id}`)).body;
  const { ratio = 4, format = 'outline', dry_run = false } = body as Json;
  return json({
    object: 'session.compression',
    session_id: id,
    format,
    ratio: { requested: ratio, achieved: 1 },
    before: usage,
    after: usage,
    summary: null,
    snapshot_id: null,
    version,
    dry_run,
  });
}

export function refusal(message: string, code: string, param?: string): Response {
  return json({ error: { message, type: 'invalid_request_error', code, ...(param && { param }) } }, 400);
}

export const LEAST = SMALL_LIMITS.min_preserve_tokens;
