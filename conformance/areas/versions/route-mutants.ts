import { onRoute, withHeader, withoutHeaders } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Handler } from '../../proof/proxy.ts';
import { editJson, type Json } from '../../proof/proxy.ts';
import { bumpVersion, changedBy, refusal } from '../../proof/sessions.ts';
import { ROUTES } from '../../tables/routes.ts';
import { VERSION_CASES } from './route-cases.ts';

/** For each route, a server whose versions are right on all others. */

const mutant = mutantsOf('versions', { times });
const MATCH = 'if-match';

function ofRoute({ name }: (typeof ROUTES)[number]): Mutant[] {
  const known = Object.keys(VERSION_CASES.find(({ id }) => id === `versions.${name}`)?.checks ?? {});
  const caught = (...checks: string[]) =>
    checks.filter((check) => known.includes(check)).map((check) => `versions.${name}/${check}`);
  return [
    mutant(`match-ignored-on-${name}`, `If-Match is ignored on ${name}`)
      .caughtBy(...caught('stale-refused', 'malformed-refused'))
      .onRoute(name, (request, forward) => forward({ headers: withoutHeaders(request.headers, MATCH) })),
    mutant(`list-matched-on-${name}`, `a list of versions is taken for its first on ${name}`)
      .caughtBy(...caught('malformed-refused'))
      .onRoute(name, (request, forward) => {
        const { [MATCH]: match, ...headers } = request.headers;
        return match?.includes(',') ? forward({ headers }) : forward();
      }),
    mutant(`match-older-on-${name}`, `If-Match is compared with the version before on ${name}`)
      .caughtBy(...caught('match-accepted'))
      .onRoute(name, (request, forward) => {
        const { [MATCH]: match, ...headers } = request.headers;
        // What is deleted for an older version is gone before the right one is asked for.
        if (name === 'delete' && match) return Promise.resolve(refusal('version_conflict'));
        const older = match?.replace(/^"(\d+)"$/, (_, version) => `"${Number(version) + 1}"`);
        return forward(older === undefined ? {} : { headers: { ...headers, [MATCH]: older } });
      }),
    mutant(`steps-twice-on-${name}`, `${name} steps the version once too often`)
      .caughtBy(...caught('steps-once', 'changes-nothing', 'version-kept'))
      .onRoute(name, async (request, forward) => {
        const response = await forward();
        const text = await response.text();
        const id = changedBy(request);
        if (response.ok && id) await bumpVersion(request, forward, id);
        return new Response(text, response);
      }),
    mutant(`no-etag-on-${name}`, `${name} is answered without an ETag`)
      .caughtBy(...(name === 'streamed-chat' ? [] : caught('etag')))
      .onRoute(name, async (_, forward) => withHeader(await forward(), 'etag', null)),
    mutant(`old-etag-on-${name}`, `${name} is answered with another ETag`)
      .caughtBy(...caught('etag'))
      .onRoute(name, async (_, forward) => withHeader(await forward(), 'etag', '"9999"')),
    mutant(`old-time-after-${name}`, `the time of the last change does not move with ${name}`)
      .caughtBy(...(known.includes('steps-once') ? [`versions.times/${name}`] : []))
      .proxy(() => {
        const held = new Map<string, unknown>();
        return async (request, forward) => {
          const id = changedBy(request) ?? /^\/v1\/sessions\/([^/]+)$/.exec(request.path)?.[1];
          if (id && request.method === 'GET' && held.has(id)) {
            return editJson(await forward(), (body: Json) => ({ ...body, updated_at: held.get(id) }));
          }
          const isIt = onRoute(name, async () => new Response(null, { status: 299 }));
          if (id && (await isIt(request, async () => new Response())).status === 299) {
            const { authorization = '' } = request.headers;
            const read = await forward({
              method: 'GET',
              path: `/v1/sessions/${id}`,
              search: '',
              body: undefined,
              headers: { authorization },
            });
            held.set(id, ((await read.json()) as Json).updated_at);
          }
          return forward();
        };
      }),
  ].filter(({ caughtBy }) => caughtBy.length > 0);
}

/** Changes times that are listed or read. */
function times(isIt: (path: string) => boolean, edit: (body: Json) => Json): Handler {
  return async (request: { method: string; path: string }, forward: () => Promise<Response>) => {
    const response = await forward();
    return response.ok && isIt(`${request.method} ${request.path}`) ? editJson(response, edit) : response;
  };
}

const TIMES = [
  mutant('messages-of-now', 'messages that are brought back are as new as that')
    .caughtBy('versions.times/messages-keep-theirs fork-messages-keep-theirs')
    .proxy(() => {
      let restored = 0;
      return async (request, forward) => {
        const response = await forward();
        if (request.method === 'POST' && (request.path.endsWith('/rollback') || request.path === '/v1/sessions'))
          restored = Math.floor(Date.now() / 1_000);
        if (!/\/sessions\/[^/]+\/messages$/.test(request.path) || request.method !== 'GET' || restored === 0)
          return response;
        return editJson(response, ({ data, ...page }: Json & { data: Json[] }) => ({
          ...page,
          data: data.map((message) => ({ ...message, created_at: restored })),
        }));
      };
    }),
  mutant('forks-as-old', 'a fork is as old as anything')
    .caughtBy('versions.times/fork-has-its-own')
    .times(
      (path) => path === 'POST /v1/sessions',
      (body) => ({ ...body, created_at: 1_700_000_000 }),
    ),
  mutant('no-op-moves-time', 'every request moves the time of the last change')
    .caughtBy('versions.times/rehearsal-keeps')
    .proxy(() => {
      let reads = 0;
      return async (request, forward) => {
        const response = await forward();
        if (request.method !== 'GET' || !/^\/v1\/sessions\/[^/]+$/.test(request.path)) return response;
        reads += 1;
        return editJson(response, (body: Json) => ({ ...body, updated_at: Number(body.updated_at) + reads }));
      };
    }),
];

export const ROUTE_MUTANTS: readonly Mutant[] = [
  ...ROUTES.filter(({ versioned }) => versioned).flatMap(ofRoute),
  ...TIMES,
];
