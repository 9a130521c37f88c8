import type { Forward, Handler, Json, Passing } from './proxy.ts';

/** Which account each id belongs to, so that a broken server can mix accounts up. */

const NAMING = /^\/v1\/sessions(?:\/[^/]+\/(?:snapshots|messages|compress))?$/;

/** A request that names something of another account. */
export interface CrossAccountRequest {
  request: Passing;
  forward: Forward;
  /** Sends it, changed or not, in the name of the owner. */
  asOwner: Forward;
  /** The id that is named. */
  id: string;
}

/** Handles requests that name what belongs to another account. Everything else is forwarded. */
export function onCrossAccount(meet: (request: CrossAccountRequest) => Promise<Response>): Handler {
  const owners = new Map<string, string>();
  return async (request, forward) => {
    const key = keyOf(request);
    const text = `${request.path}${request.search}${JSON.stringify(request.body) ?? ''}`;
    const [id, owner] = [...owners].find(([known, of]) => of !== key && text.includes(known)) ?? [];
    if (id !== undefined && owner !== undefined) {
      const headers = { ...request.headers, authorization: owner };
      return meet({ request, forward, asOwner: (change = {}) => forward({ headers, ...change }), id });
    }
    const response = await forward();
    const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json');
    if (response.ok && isJson && NAMING.test(request.path)) {
      for (const named of idsOf((await response.clone().json()) as Json)) owners.set(named, key);
    }
    return response;
  };
}

export function keyOf({ headers }: Passing): string {
  return headers.authorization ?? '';
}

function idsOf(body: Json): string[] {
  const data = Array.isArray(body.data) ? (body.data as Json[]).map(({ id }) => id) : [];
  return [body.id, body.snapshot_id, ...data].filter((id) => typeof id === 'string');
}
