import { ask } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { editJson, type Forward, json, on } from '../../proxy.ts';
import { codeOf, refusal, type Sent, WRITE } from '../../rewrites.ts';
import { type Asked, followed, mutant, onTurn, pieced, reads, watching, writeWhenIdle } from './support.ts';

/** What meets a turn that comes while another of its session runs. */
const meanwhile = (meet: (body: Asked, forward: Forward) => Promise<Response>) =>
  watching(({ turns }) => {
    const running = new Map<string, number>();
    return onTurn(async (body, forward) => {
      const { session_id: id } = body;
      const others = running.get(id) ?? 0;
      running.set(id, others + 1);
      try {
        return turns.size > 0 && others > 0 ? await meet(body, forward) : await forward();
      } finally {
        running.set(id, (running.get(id) ?? 1) - 1);
      }
    })();
  });

const outside = async ({ session_id, ...body }: Asked, forward: Forward) => {
  const { version, usage } = (await ask(forward, 'GET', `/v1/sessions/${session_id}`)).body;
  const answer = (await (await forward({ body })).json()) as Json;
  return json({ ...answer, session: { id: session_id, version, usage } });
};

export const TURN_RACE_MUTANTS: readonly Mutant[] = [
  mutant(
    'breaks-when-busy',
    'a turn that meets another breaks down',
    ['turn.concurrent/each-answered'],
    meanwhile(() => Promise.resolve(json({ error: { message: 'database is locked', type: 'server_error' } }, 500))),
  ),
  mutant(
    'lost-turn',
    'of turns at the same time one alone is stored',
    ['turn.concurrent/answered-stand'],
    meanwhile(outside),
  ),
  mutant(
    'busy-though-done',
    'a turn is refused as busy, and stored',
    ['turn.concurrent/answered-stand'],
    onTurn(async (body, forward) => {
      const response = await forward();
      if ((await codeOf(response)) === 'session_busy') await writeWhenIdle(forward, body.session_id, body.messages);
      return response;
    }),
  ),
  mutant(
    'not-held-together',
    'a turn is made of single steps, and others come between them',
    ['turn.concurrent/not-interleaved', 'turn.busy/nothing-within'],
    pieced({ early: true }),
  ),
  mutant(
    'conflict-locks',
    'after two turns have met, the session stays busy',
    ['turn.concurrent/goes-on-after'],
    () => {
      const locked = new Set<string>();
      return onTurn(async (body, forward) => {
        if (locked.has(body.session_id)) return refusal('session_busy');
        const response = await forward();
        if ((await codeOf(response)) === 'session_busy') locked.add(body.session_id);
        return response;
      })();
    },
  ),
  mutant('busy-is-a-breakdown', 'a write that meets a turn breaks down', ['turn.busy/writes-refused-meanwhile'], () =>
    on('POST', WRITE, async (_, forward) => {
      const response = await forward();
      const error = { message: 'lock timeout', type: 'server_error' };
      return (await codeOf(response)) === 'session_busy' ? json({ error }, 500) : response;
    }),
  ),
  mutant(
    'half-turn-shown',
    'the new message of a turn is shown while it runs',
    ['turn.busy/reads-before-or-after'],
    watching(({ turns }) =>
      reads((id, what, body, search) => {
        const added = what === 'window' ? turns.get(id)?.[0] : undefined;
        const newestFirst = search.includes('order=desc');
        const data = (body.data ?? []) as Sent[];
        const last = newestFirst ? data[0] : data.at(-1);
        if (!added || !last || (body.has_more && !newestFirst)) return body;
        const half = { ...last, role: 'user', content: added.content, id: `${last.id}0` };
        return { ...body, data: newestFirst ? [half, ...data] : [...data, half] };
      }),
    ),
  ),
  mutant(
    'snapshot-waits',
    'no snapshot is taken while a turn runs',
    ['turn.snapshot-meanwhile/taken'],
    watching(({ turns }) =>
      on('POST', '/v1/sessions/:id/snapshots', ({ ids: [id = ''] }, forward) =>
        turns.has(id) ? Promise.resolve(refusal('session_busy')) : forward(),
      ),
    ),
  ),
  mutant(
    'snapshot-of-half',
    'a snapshot holds the new message of a turn that runs',
    ['turn.snapshot-meanwhile/before-or-after'],
    watching(({ turns }) =>
      on('POST', '/v1/sessions/:id/snapshots', async ({ ids: [id = ''] }, forward) => {
        const half = turns.has(id);
        return editJson(await forward(), (body: Json) => {
          const archived = body.archived as { messages: number } | undefined;
          return half && archived ? { ...body, archived: { ...archived, messages: archived.messages + 1 } } : body;
        });
      }),
    ),
  ),
  mutant(
    'disconnect-keeps-half',
    'a client that goes away leaves its message behind',
    ['turn.disconnect/all-or-nothing'],
    onTurn(async (body, forward) => {
      const { session_id: id, stream, messages } = body;
      const response = await forward();
      if (!stream || !response.ok) return response;
      const left = () => writeWhenIdle(forward, id, messages);
      return followed(response, { ended: () => undefined, left });
    }),
  ),
  mutant(
    'disconnect-billed',
    'a client that goes away is charged in the usage of its session',
    ['turn.disconnect/usage-adds-up'],
    watching(({ left }) =>
      reads((id, what, body) => {
        if (what !== 'session' || !left.has(id)) return body;
        const usage = body.usage as { total_tokens: number };
        return { ...body, usage: { ...usage, total_tokens: usage.total_tokens + 12 } };
      }),
    ),
  ),
  mutant(
    'disconnect-locks',
    'a client that goes away leaves its session busy',
    ['turn.disconnect/goes-on-after'],
    watching(({ left }) =>
      on('POST', WRITE, ({ ids: [id = ''] }, forward) =>
        left.has(id) ? Promise.resolve(refusal('session_busy')) : forward(),
      ),
    ),
  ),
];
