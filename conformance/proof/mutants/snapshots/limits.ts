import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { ask } from '../../asking.ts';
import { deep, type Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, editJson, type Handler, json, on } from '../../proxy.ts';

const TAKE = '/v1/sessions/:id/snapshots';
const { snapshots: LIMIT } = SMALL_LIMITS;
const FULL = 'Invalid request: the number of snapshots of this account has reached the limit: 12';

/** An emulator with another limit than its sessions tell. */
function pretending(limits: object): Pick<Mutant, 'options' | 'handler'> {
  const told = (object: Json) => ('snapshots' in object ? { ...object, snapshots: LIMIT } : object);
  return {
    options: () => ({ limits: { ...SMALL_LIMITS, ...limits } }),
    handler: () => async (_, forward) => editJson(await forward(), (body) => deep(body, told)),
  };
}

/** Counts snapshots in its own way, in front of an emulator that has room for more. */
function counting(
  key: (session: string, authorization: string) => string,
  freed: boolean,
): Pick<Mutant, 'options' | 'handler'> {
  const handler = (): Handler => {
    const taken = new Map<string, number>();
    const add = (name: string, step: number) => taken.set(name, (taken.get(name) ?? 0) + step);
    return chain(
      pretending({}).handler?.() ?? ((_, forward) => forward()),
      on('POST', TAKE, async ({ ids: [id = ''], headers }, forward) => {
        const name = key(id, headers.authorization ?? '');
        if ((taken.get(name) ?? 0) >= LIMIT) {
          const error = { message: FULL, type: 'invalid_request_error', code: 'snapshot_limit_reached' };
          return json({ error }, 400);
        }
        add(name, 1);
        return forward();
      }),
      on('DELETE', '/v1/snapshots/:id', async ({ headers }, forward) => {
        if (freed) add(key('', headers.authorization ?? ''), -1);
        return forward();
      }),
    );
  };
  return { options: pretending({ snapshots: 5 * LIMIT }).options, handler } as Pick<Mutant, 'options' | 'handler'>;
}

/** How many an account may hold. */
export const SNAPSHOT_LIMIT_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.one-over-the-limit',
    area: 'snapshots',
    broken: 'one snapshot more than the limit is accepted',
    killedBy: ['snapshots.limit/one-more-refused'],
    ...pretending({ snapshots: LIMIT + 1 }),
  },
  {
    id: 'snapshots.one-under-the-limit',
    area: 'snapshots',
    broken: 'the last snapshot within the limit is refused',
    killedBy: ['snapshots.limit/last-accepted'],
    ...pretending({ snapshots: LIMIT - 1 }),
  },
  {
    id: 'snapshots.limit-per-session',
    area: 'snapshots',
    broken: 'the limit is counted for each session',
    killedBy: ['snapshots.limit/one-more-refused'],
    ...counting((session) => session, true),
  },
  {
    id: 'snapshots.limit-never-freed',
    area: 'snapshots',
    broken: 'deleted snapshots go on counting',
    killedBy: ['snapshots.limit/deleting-makes-room'],
    ...counting((_, authorization) => authorization, false),
  },
  {
    id: 'snapshots.limit-global',
    area: 'snapshots',
    broken: 'the limit is counted over all accounts',
    killedBy: ['snapshots.limit/other-account-has-room'],
    ...counting(() => 'all', true),
  },
  {
    id: 'snapshots.oldest-dropped',
    area: 'snapshots',
    broken: 'a full account loses a snapshot to make room, and is refused all the same',
    killedBy: ['snapshots.limit/refusal-keeps-nothing'],
    handler: () =>
      on('POST', TAKE, async (_, forward) => {
        const response = await forward();
        if (response.ok) return response;
        const { body } = await ask(forward, 'GET', '/v1/snapshots', undefined, '?limit=1');
        const [first] = body.data as { id: string }[];
        await ask(forward, 'DELETE', `/v1/snapshots/${first?.id}`);
        return response;
      }),
  },
];
