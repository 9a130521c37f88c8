import { routeOf, withHeader, withoutHeaders } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { json, objectIn } from '../../proof/proxy.ts';
import { codeOf, refusal } from '../../proof/sessions.ts';
import { ROUTES } from '../../tables/routes.ts';

/** Servers that forget, on one route, that an account is full or a session deleted. */

const mutant = mutantsOf('sessions');
const KEY = 'idempotency-key';
const FULL = /_limit_reached$/;

const DELETED = ROUTES.filter(({ names }) => names === 'session').map(({ name }) =>
  mutant(`deleted-found-on-${name}`, `a deleted session is found on ${name}`)
    .caughtBy(`sessions.deleted-routes/${name}`)
    .proxy(() => {
      const gone = new Set<string>();
      return async (request, forward) => {
        const { session_id = '' } = objectIn(request);
        const found = [...gone].some((id) => request.path.includes(id) || session_id === id);
        if (found && routeOf(request) === name) return json({ object: 'found' });
        const response = await forward();
        if (response.ok && routeOf(request) === 'delete') gone.add(request.path.split('/')[3] ?? '');
        return response;
      };
    }),
);

const CREATING = ROUTES.filter(({ creates }) => creates).map(({ name }) => ['sessions', name] as const);
const TAKING = ['snapshot', 'compress'].map((name) => ['snapshots', name] as const);

const CAPS = [...CREATING, ...TAKING].flatMap(([kind, name]) => {
  const check = (part: string) => `${kind}.full/${name}-${part}`;
  return [
    mutant(`full-ignored-on-${name}`, `an account that is full takes another ${name}`)
      .caughtBy(check('refused'))
      .proxy(() => async (request, forward) => {
        const response = await forward();
        return routeOf(request) === name && FULL.test((await codeOf(response)) ?? '')
          ? json({ id: 'sess_more', object: 'session' }, 201)
          : response;
      }),
    mutant(`full-retried-on-${name}`, `an account that is full says that another ${name} is worth a try`)
      .caughtBy(check('no-retry'))
      .proxy(() => async (request, forward) => {
        const response = await forward();
        const isIt = routeOf(request) === name && FULL.test((await codeOf(response)) ?? '');
        return isIt ? withHeader(response, 'x-should-retry', 'true') : response;
      }),
    mutant(`uncounted-on-${name}`, `${name} takes no place of the account`)
      .caughtBy(check('counts'))
      .proxy(() => {
        let uncounted = 0;
        return async (request, forward) => {
          const response = await forward();
          const isIt = routeOf(request) === name && request.headers[KEY] !== undefined;
          if (isIt && response.ok && !response.headers.has('idempotent-replayed')) uncounted = 1;
          else if (uncounted > 0 && FULL.test((await codeOf(response)) ?? '')) {
            uncounted = 0;
            return json({ id: 'sess_more', object: 'session' }, 201);
          }
          return response;
        };
      }),
    mutant(`full-before-replay-on-${name}`, `whether an account is full is looked at before the key of ${name}`)
      .caughtBy(check('replayed'))
      .proxy(() => async (request, forward) => {
        const response = await forward();
        const repeated = routeOf(request) === name && response.headers.has('idempotent-replayed');
        return repeated ? refusal(kind === 'sessions' ? 'session_limit_reached' : 'snapshot_limit_reached') : response;
      }),
    mutant(`full-uses-key-of-${name}`, `a ${name} that is refused because the account is full uses up its key`)
      .caughtBy(check('key-free'))
      .proxy(() => {
        const used = new Set<string>();
        return async (request, forward) => {
          const key = request.headers[KEY] ?? '';
          if (used.has(key)) return refusal('idempotency_mismatch');
          const response = await forward();
          if (key && FULL.test((await codeOf(response)) ?? '')) used.add(key);
          return response;
        };
      }),
  ];
});

/** Clients that leave: what they sent is sent to the server once more, as if its key were new. */
const LEFT = (
  [
    ['line', 'append-lines'],
    ['lines', 'append-lines'],
    ['open-stream', 'append-lines'],
    ['write', 'append-several'],
    ['chat', 'chat'],
    ['streamed-chat', 'streamed-chat'],
  ] as const
).map(([name, route]) =>
  mutant(
    `left-${name}-twice`,
    `a ${name.replaceAll('-', ' ')} that is sent again is carried out again where its client had left`,
  )
    .caughtBy(
      `ndjson.left-${name}/left-early`,
      ...(name === 'open-stream' ? [] : [`ndjson.left-${name}/left-at-first-piece`]),
    )
    .proxy(() => {
      const seen = new Set<string>();
      return async (request, forward) => {
        const key = request.headers[KEY] ?? '';
        if (routeOf(request) !== route && !(request.stream && route === 'append-lines')) return forward();
        if (seen.has(key)) return forward({ headers: withoutHeaders(request.headers, KEY) });
        seen.add(key);
        const response = await forward();
        // The turn is over before its client has the first piece: it leaves too late to undo anything.
        return route === 'streamed-chat' ? new Response(await response.text(), response) : response;
      };
    }),
);

export const SESSIONS_CELL_MUTANTS: readonly Mutant[] = [...DELETED, ...CAPS, ...LEFT];
