import { setImmediate as others } from 'node:timers/promises';
import { mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, editJson, type Forward, type Handler, json, on } from '../../proof/proxy.ts';
import { ask, codeOf, type Message, refusal, WRITE } from '../../proof/sessions.ts';
import { type Asked, askedOf, followed, onTurn, pieced, reads } from './mutant-support.ts';

const mutant = mutantsOf('turn', { askedOf, meanwhile, onTurn, pieced, watching });

const MAX_TRIES = 200;

/** Writes as soon as the session is idle. */
async function writeWhenIdle(forward: Forward, id: string, messages: readonly Message[]): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const written = await forward({ path: `/v1/sessions/${id}/messages`, body: { messages } });
    if ((await codeOf(written)) !== 'session_busy') return;
    await others();
  }
}

/** What is known of turns that are under way. */
interface Running {
  /** New messages of the turns that run, by session. */
  readonly turns: ReadonlyMap<string, Message[]>;
  /** Sessions whose client went away before the end. */
  readonly left: ReadonlySet<string>;
}

/** Keeps account of turns: they run until their last byte has been read. */
function watching(more: (running: Running) => Handler): Handler {
  const turns = new Map<string, Message[]>();
  const left = new Set<string>();
  const watch = onTurn(async (body, forward) => {
    const { session_id: id } = body;
    turns.set(id, body.messages);
    const response = await forward();
    if (!response.ok || !response.body) {
      turns.delete(id);
      return response;
    }
    return followed(response, {
      ended: () => turns.delete(id),
      left: () => {
        turns.delete(id);
        left.add(id);
      },
    });
  });
  return chain(watch, more({ turns, left }));
}

export const TURN_PAIRING_MUTANTS = [];

/** What meets a turn that comes while another of its session runs. */
function meanwhile(meet: (body: Asked, forward: Forward) => Promise<Response>): Handler {
  return watching(({ turns }) => {
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
    });
  });
}

const outside = async ({ session_id, ...body }: Asked, forward: Forward) => {
  const { version, usage } = (await ask(forward, 'GET', `/v1/sessions/${session_id}`)).body;
  const answer = (await (await forward({ body })).json()) as Json;
  return json({ ...answer, session: { id: session_id, version, usage } });
};

export const TURN_RACE_MUTANTS = [
  mutant('breaks-when-busy', 'a turn that meets another breaks down')
    .caughtBy('turn.concurrent/each-answered')
    .meanwhile(() => Promise.resolve(json({ error: { message: 'database is locked', type: 'server_error' } }, 500))),
  mutant('lost-turn', 'of turns at the same time one alone is stored')
    .caughtBy('turn.concurrent/answered-stand')
    .meanwhile(outside),
  mutant('busy-though-done', 'a turn is refused as busy, and stored')
    .caughtBy('turn.concurrent/answered-stand')
    .onTurn(async (body, forward) => {
      const response = await forward();
      if ((await codeOf(response)) === 'session_busy') await writeWhenIdle(forward, body.session_id, body.messages);
      return response;
    }),
  mutant('not-held-together', 'a turn is made of single steps, and others come between them')
    .caughtBy('turn.concurrent/not-interleaved')
    .pieced({ early: true }),
  mutant('conflict-locks', 'after two turns have met, the session stays busy')
    .caughtBy('turn.concurrent/goes-on-after')
    .proxy(() => {
      const locked = new Set<string>();
      return onTurn(async (body, forward) => {
        if (locked.has(body.session_id)) return refusal('session_busy');
        const response = await forward();
        if ((await codeOf(response)) === 'session_busy') locked.add(body.session_id);
        return response;
      });
    }),
  mutant('snapshot-waits', 'no snapshot is taken while a turn runs')
    .caughtBy('turn.snapshot-meanwhile/taken')
    .watching(({ turns }) =>
      on('POST', '/v1/sessions/:id/snapshots', ({ ids: [id = ''] }, forward) =>
        turns.has(id) ? Promise.resolve(refusal('session_busy')) : forward(),
      ),
    ),
  mutant('snapshot-of-half', 'a snapshot holds the new message of a turn that runs')
    .caughtBy('turn.snapshot-meanwhile/before-or-after')
    .watching(({ turns }) =>
      on('POST', '/v1/sessions/:id/snapshots', async ({ ids: [id = ''] }, forward) => {
        const half = turns.has(id);
        return editJson(await forward(), (body: Json) => {
          const archived = body.archived as { messages: number } | undefined;
          return half && archived ? { ...body, archived: { ...archived, messages: archived.messages + 1 } } : body;
        });
      }),
    ),
  mutant('disconnect-keeps-half', 'a client that goes away leaves its message behind')
    .caughtBy('turn.disconnect/all-or-nothing')
    .onTurn(async (body, forward) => {
      const { session_id: id, stream, messages } = body;
      const response = await forward();
      if (!stream || !response.ok) return response;
      const left = () => writeWhenIdle(forward, id, messages);
      return followed(response, { ended: () => undefined, left });
    }),
  mutant('disconnect-billed', 'a client that goes away is charged in the usage of its session')
    .caughtBy('turn.disconnect/usage-adds-up')
    .watching(({ left }) =>
      reads((id, what, body) => {
        if (what !== 'session' || !left.has(id)) return body;
        const usage = body.usage as { total_tokens: number };
        return { ...body, usage: { ...usage, total_tokens: usage.total_tokens + 12 } };
      }),
    ),
  mutant('disconnect-locks', 'a client that goes away leaves its session busy')
    .caughtBy('turn.disconnect/goes-on-after')
    .watching(({ left }) =>
      on('POST', WRITE, ({ ids: [id = ''] }, forward) =>
        left.has(id) ? Promise.resolve(refusal('session_busy')) : forward(),
      ),
    ),
];

export const TURN_REPLY_MUTANTS = [
  mutant('two-choices', 'a session takes any number of choices, and keeps the first')
    .caughtBy('turn.choices/two-refused two-change-nothing')
    .askedOf(({ n, ...body }) => body),
  mutant('n-unknown', 'a turn must not say how many choices it wants')
    .caughtBy('turn.choices/one-accepted')
    .onTurn((body, forward) =>
      body.n === undefined ? forward() : Promise.resolve(refusal('invalid_request', 'Invalid request: n: not allowed')),
    ),
];

export const TURN_TOOL_MUTANTS = [];

const UNKNOWN = 'session_not_found';

export const TURN_UNKNOWN_MUTANTS = [
  mutant('unknown-made', 'a chat in a session that is not there makes it')
    .caughtBy('turn.unknown-session/invented-refused streamed-refused none-created')
    .proxy(() => {
      const made = new Map<string, string>();
      return chain(
        async (request, forward) => {
          const id = request.path.split('/')[3] ?? '';
          return forward({ path: request.path.replace(id || '\0', made.get(id) ?? id) });
        },
        onTurn(async (body, forward) => {
          const response = await forward({
            body: { ...body, session_id: made.get(body.session_id) ?? body.session_id },
          });
          if ((await codeOf(response)) !== UNKNOWN) return response;
          const { id } = (await ask(forward, 'POST', '/v1/sessions', {})).body;
          made.set(body.session_id, String(id));
          return forward({ body: { ...body, session_id: id } });
        }),
      );
    }),
  mutant('unknown-stateless', 'a chat in a session that is not there is answered without one')
    .caughtBy('turn.unknown-session/invented-refused deleted-refused')
    .onTurn(async (body, forward) => {
      const response = await forward();
      const { session_id, ...rest } = body;
      return (await codeOf(response)) === UNKNOWN ? forward({ body: rest }) : response;
    }),
  mutant('refusal-streamed', 'a streamed turn is refused within a stream that succeeds')
    .caughtBy('turn.unknown-session/streamed-refused')
    .onChat(async (body, forward) => {
      const response = await forward();
      if (response.ok || body.stream !== true) return response;
      const text = `data: ${await response.text()}\n\ndata: [DONE]\n\n`;
      return new Response(text, { headers: { 'Content-Type': 'text/event-stream' } });
    }),
  mutant('deleted-still-there', 'a deleted session still takes turns')
    .caughtBy('turn.unknown-session/deleted-refused')
    .on('DELETE', '/v1/sessions/:id', ({ ids: [id = ''] }) =>
      Promise.resolve(Response.json({ id, object: 'session.deleted', deleted: true })),
    ),
];
