import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { mutantsOf } from '../../chats.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, on, type Passing } from '../../proxy.ts';
import { codeOf, refusal, saying } from '../../rewrites.ts';

const mutant = mutantsOf('sessions');
const limit = SMALL_LIMITS.sessions;
/** A server that knows the limit wrongly. */
const knows = (sessions: number): Pick<Mutant, 'handler' | 'options'> => ({
  options: () => ({ limits: { ...SMALL_LIMITS, sessions } }),
  handler: () => saying({ sessions: limit }, { sessions }),
});

/**
 * A server that counts for itself, and looks at its count before it has counted what is on its way.
 * @param freed slots that a deletion frees
 */
function counting({ freed }: { freed: number }): Pick<Mutant, 'handler' | 'options'> {
  const handler = () => {
    const held = new Map<string, number>();
    const keyOf = ({ headers }: Passing) => headers.authorization ?? '';
    const add = (key: string, count: number) => held.set(key, (held.get(key) ?? 0) + count);
    return chain(
      saying({ sessions: limit }, {}),
      on('POST', '/v1/sessions', async (request, forward) => {
        if ((held.get(keyOf(request)) ?? 0) >= limit) return refusal('session_limit_reached');
        const response = await forward();
        if (response.ok) add(keyOf(request), 1);
        return response;
      }),
      on('DELETE', '/v1/sessions/:id', async (request, forward) => {
        const response = await forward();
        if (response.ok) add(keyOf(request), -freed);
        return response;
      }),
    );
  };
  return { options: () => ({ limits: { ...SMALL_LIMITS, sessions: 1_000 } }), handler };
}

export const SLOT_MUTANTS: readonly Mutant[] = [
  {
    id: 'sessions.one-too-many',
    area: 'sessions',
    broken: 'one session more than the limit is accepted',
    killedBy: ['sessions.capacity/over-refused'],
    ...knows(limit + 1),
  },
  {
    id: 'sessions.one-too-few',
    area: 'sessions',
    broken: 'the last session of the limit is refused',
    killedBy: ['sessions.capacity/exact-accepted', 'sessions.race/slots-filled'],
    ...knows(limit - 1),
  },
  {
    id: 'sessions.race-past-limit',
    area: 'sessions',
    broken: 'creations at the same time each see the slot that is free, and race past the limit',
    killedBy: ['sessions.race/no-more-than-slots', 'sessions.race/full-after'],
    ...counting({ freed: 1 }),
  },
  {
    id: 'sessions.delete-frees-two',
    area: 'sessions',
    broken: 'a deletion is counted twice',
    killedBy: ['sessions.capacity/full-again'],
    ...counting({ freed: 2 }),
  },
  {
    id: 'sessions.delete-frees-none',
    area: 'sessions',
    broken: 'a deleted session keeps its slot',
    killedBy: ['sessions.capacity/delete-frees'],
    ...counting({ freed: 0 }),
  },
  mutant(
    'race-refuses-all',
    'creations at the same time see each other and all give up',
    ['sessions.race/slots-filled'],
    () => {
      let running = 0;
      return on('POST', '/v1/sessions', async (_, forward) => {
        running += 1;
        try {
          return running > 1 ? refusal('session_limit_reached') : await forward();
        } finally {
          running -= 1;
        }
      });
    },
  ),
  mutant(
    'race-limited-rate',
    'the limit is told as too many requests where creations come at once',
    ['sessions.race/rest-refused'],
    () => {
      let running = 0;
      return on('POST', '/v1/sessions', async (_, forward) => {
        running += 1;
        const crowd = running > 1;
        const response = await forward();
        running -= 1;
        return crowd && (await codeOf(response)) === 'session_limit_reached' ? refusal('session_busy') : response;
      });
    },
  ),
  mutant(
    'refused-takes-slot',
    'a creation that is refused takes a slot',
    ['sessions.capacity/refused-takes-no-slot'],
    () =>
      on('POST', '/v1/sessions', async (_, forward) => {
        const response = await forward();
        const code = await codeOf(response);
        if (code !== undefined && code !== 'session_limit_reached') await forward({ body: {} });
        return response;
      }),
  ),
  mutant('id-reused', 'the id of a deleted session is given to the next', ['sessions.ids/of-those-gone'], () => {
    const free: string[] = [];
    const real = new Map<string, string>();
    return async (request, forward) => {
      const alias = [...real].find(([old]) => request.path.includes(old));
      const response = await forward(alias ? { path: request.path.replace(alias[0], alias[1]) } : {});
      if (request.method === 'DELETE' && response.ok) free.push(request.path.split('/').at(-1) ?? '');
      if (request.method !== 'POST' || request.path !== '/v1/sessions' || !response.ok) return response;
      const old = free.shift();
      if (old === undefined) return response;
      const text = await response.text();
      const { id } = JSON.parse(text) as { id: string };
      real.set(old, id);
      return new Response(text.replaceAll(id, old), response);
    };
  }),
  mutant(
    'ids-of-the-clock',
    'the id is made of the second in which a session is created',
    ['sessions.ids/of-those-there'],
    () =>
      on('POST', '/v1/sessions', async (_, forward) => {
        const response = await forward();
        if (!response.ok) return response;
        const body = (await response.json()) as Json;
        const id = `sess_${String(body.created_at).slice(0, -3)}`;
        return new Response(JSON.stringify({ ...body, id, session_id: id }), response);
      }),
  ),
];
