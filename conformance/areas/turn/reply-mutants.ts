import { setImmediate as others } from 'node:timers/promises';
import { onChat } from '../../proof/chats.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, editJson, editText, type Forward, type Handler, json, on } from '../../proof/proxy.ts';
import { ask, codeOf, editListed, type Message, refusal, WRITE, windowAt } from '../../proof/sessions.ts';
import {
  type Answer,
  type Asked,
  answered,
  askedOf,
  followed,
  idsOf,
  mutant,
  onTurn,
  open,
  pieced,
  reads,
} from './mutant-support.ts';

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
function watching(more: (running: Running) => Handler): () => Handler {
  return () => {
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
    })();
    return chain(watch, more({ turns, left }));
  };
}

export const TURN_PAIRING_MUTANTS = [
  mutant('calls-dropped', 'calls that wait are answered by the server as soon as a turn comes')
    .caughtBy(
      'turn.pairing/open-calls-refused',
      'turn.pairing/other-messages-refused',
      'turn.pairing/some-results-refused',
      'turn.pairing/refusals-change-nothing',
      'turn.tool-calls/open-until-answered',
    )
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'tool_call_unanswered') return response;
        const ids = open(await windowAt(forward, body.session_id));
        const messages = ids.map((id) => ({ role: 'tool', tool_call_id: id, content: 'cancelled' }));
        await forward({ path: `/v1/sessions/${body.session_id}/messages`, body: { messages } });
        return forward();
      }),
    ),
  mutant('strangers-dropped', 'results of no call are left out of a turn')
    .caughtBy('turn.pairing/stranger-refused', 'turn.tools/refused-keeps')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'tool_result_orphan') return response;
        const ids = open(await windowAt(forward, body.session_id));
        const messages = body.messages.filter(
          ({ role, tool_call_id }) => role !== 'tool' || ids.includes(String(tool_call_id)),
        );
        return forward({ body: { ...body, messages } });
      }),
    ),
  mutant('results-stored-anyway', 'a turn with some of the results is refused, and they are stored')
    .caughtBy('turn.pairing/refusals-change-nothing')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        const results = body.messages.filter(({ role }) => role === 'tool');
        if (response.status === 400 && results.length > 0) {
          await forward({ path: `/v1/sessions/${body.session_id}/messages`, body: { messages: results } });
        }
        return response;
      }),
    ),
  mutant('results-by-append-only', 'a turn takes no results')
    .caughtBy('turn.pairing/results-accepted')
    .proxy(
      onTurn((body, forward) =>
        body.messages.some(({ role }) => role === 'tool')
          ? Promise.resolve(refusal('tool_call_unanswered', 'Invalid request: append the results first'))
          : forward(),
      ),
    ),
];

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

export const TURN_RACE_MUTANTS = [
  mutant('breaks-when-busy', 'a turn that meets another breaks down')
    .caughtBy('turn.concurrent/each-answered')
    .proxy(
      meanwhile(() => Promise.resolve(json({ error: { message: 'database is locked', type: 'server_error' } }, 500))),
    ),
  mutant('lost-turn', 'of turns at the same time one alone is stored')
    .caughtBy('turn.concurrent/answered-stand')
    .proxy(meanwhile(outside)),
  mutant('busy-though-done', 'a turn is refused as busy, and stored')
    .caughtBy('turn.concurrent/answered-stand')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        if ((await codeOf(response)) === 'session_busy') await writeWhenIdle(forward, body.session_id, body.messages);
        return response;
      }),
    ),
  mutant('not-held-together', 'a turn is made of single steps, and others come between them')
    .caughtBy('turn.concurrent/not-interleaved', 'turn.busy/nothing-within')
    .proxy(pieced({ early: true })),
  mutant('conflict-locks', 'after two turns have met, the session stays busy')
    .caughtBy('turn.concurrent/goes-on-after')
    .proxy(() => {
      const locked = new Set<string>();
      return onTurn(async (body, forward) => {
        if (locked.has(body.session_id)) return refusal('session_busy');
        const response = await forward();
        if ((await codeOf(response)) === 'session_busy') locked.add(body.session_id);
        return response;
      })();
    }),
  mutant('busy-is-a-breakdown', 'a write that meets a turn breaks down')
    .caughtBy('turn.busy/writes-refused-meanwhile')
    .proxy(() =>
      on('POST', WRITE, async (_, forward) => {
        const response = await forward();
        const error = { message: 'lock timeout', type: 'server_error' };
        return (await codeOf(response)) === 'session_busy' ? json({ error }, 500) : response;
      }),
    ),
  mutant('half-turn-shown', 'the new message of a turn is shown while it runs')
    .caughtBy('turn.busy/reads-before-or-after')
    .proxy(
      watching(({ turns }) =>
        reads((id, what, body, search) => {
          const added = what === 'window' ? turns.get(id)?.[0] : undefined;
          const newestFirst = search.includes('order=desc');
          const data = (body.data ?? []) as Message[];
          const last = newestFirst ? data[0] : data.at(-1);
          if (!added || !last || (body.has_more && !newestFirst)) return body;
          const half = { ...last, role: 'user', content: added.content, id: `${last.id}0` };
          return { ...body, data: newestFirst ? [half, ...data] : [...data, half] };
        }),
      ),
    ),
  mutant('snapshot-waits', 'no snapshot is taken while a turn runs')
    .caughtBy('turn.snapshot-meanwhile/taken')
    .proxy(
      watching(({ turns }) =>
        on('POST', '/v1/sessions/:id/snapshots', ({ ids: [id = ''] }, forward) =>
          turns.has(id) ? Promise.resolve(refusal('session_busy')) : forward(),
        ),
      ),
    ),
  mutant('snapshot-of-half', 'a snapshot holds the new message of a turn that runs')
    .caughtBy('turn.snapshot-meanwhile/before-or-after')
    .proxy(
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
  mutant('disconnect-keeps-half', 'a client that goes away leaves its message behind')
    .caughtBy('turn.disconnect/all-or-nothing')
    .proxy(
      onTurn(async (body, forward) => {
        const { session_id: id, stream, messages } = body;
        const response = await forward();
        if (!stream || !response.ok) return response;
        const left = () => writeWhenIdle(forward, id, messages);
        return followed(response, { ended: () => undefined, left });
      }),
    ),
  mutant('disconnect-billed', 'a client that goes away is charged in the usage of its session')
    .caughtBy('turn.disconnect/usage-adds-up')
    .proxy(
      watching(({ left }) =>
        reads((id, what, body) => {
          if (what !== 'session' || !left.has(id)) return body;
          const usage = body.usage as { total_tokens: number };
          return { ...body, usage: { ...usage, total_tokens: usage.total_tokens + 12 } };
        }),
      ),
    ),
  mutant('disconnect-locks', 'a client that goes away leaves its session busy')
    .caughtBy('turn.disconnect/goes-on-after')
    .proxy(
      watching(({ left }) =>
        on('POST', WRITE, ({ ids: [id = ''] }, forward) =>
          left.has(id) ? Promise.resolve(refusal('session_busy')) : forward(),
        ),
      ),
    ),
];

export const TURN_REPLY_MUTANTS = [
  mutant('partial-apart', 'a begun answer and what continues it are stored as two messages')
    .caughtBy('turn.partial/one-message')
    .proxy(
      pieced({
        store: (added, reply) => [...added.map(({ partial, ...message }) => message as Message), reply],
      }),
    ),
  mutant('partial-lost', 'of a begun answer only what continues it is stored')
    .caughtBy('turn.partial/joined', 'turn.partial/usage-after')
    .proxy(
      pieced({
        store: (added, reply) => [...added.filter(({ partial }) => !partial), reply],
      }),
    ),
  mutant('empty-answer-stored', 'an answer of nothing is stored as a message')
    .caughtBy('turn.empty-answer/new-alone-stored', 'turn.empty-answer/goes-on-after')
    .proxy(() =>
      editListed((messages) =>
        messages.flatMap((message, index) => {
          const silent =
            message.role === 'user' &&
            String(message.content).includes('BREAK') &&
            messages[index + 1]?.role !== 'assistant';
          return silent ? [message, { ...message, role: 'assistant', content: '', id: `${message.id}0` }] : [message];
        }),
      ),
    ),
  mutant('empty-answer-drops-turn', 'a turn without answer is not stored')
    .caughtBy('turn.empty-answer/new-alone-stored')
    .proxy(
      pieced({
        store: (added, reply) => (reply.content === '' ? [] : [...added, reply]),
      }),
    ),
  mutant('cut-text-dropped', 'an answer that max_tokens cuts is not stored')
    .caughtBy('turn.cut/text-stored-as-delivered')
    .proxy(
      pieced({
        store: (added, reply, { choices: [choice] }) =>
          choice?.finish_reason === 'length' ? added : [...added, reply],
      }),
    ),
  mutant('cut-call-stored', 'a call that max_tokens cuts is stored, and waits for its result')
    .caughtBy('turn.cut/call-not-stored', 'turn.cut/goes-on-after-call')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        const { choices = [] } = (await response
          .clone()
          .json()
          .catch(() => ({}))) as { choices?: Json[] };
        if (choices[0]?.finish_reason !== 'length' || body.tool_choice !== 'required') return response;
        const call = {
          id: 'functions.save_note:0',
          type: 'function',
          function: { name: 'save_note', arguments: '{"text":"respon' },
        };
        const message = { role: 'assistant', content: '', tool_calls: [call] };
        await forward({ path: `/v1/sessions/${body.session_id}/messages`, body: message });
        return response;
      }),
    ),
  mutant('two-choices', 'a session takes any number of choices, and keeps the first')
    .caughtBy('turn.choices/two-refused', 'turn.choices/two-change-nothing')
    .proxy(askedOf(({ n, ...body }) => body)),
  mutant('n-unknown', 'a turn must not say how many choices it wants')
    .caughtBy('turn.choices/one-accepted')
    .proxy(
      onTurn((body, forward) =>
        body.n === undefined
          ? forward()
          : Promise.resolve(refusal('invalid_request', 'Invalid request: n: not allowed')),
      ),
    ),
];

const renumbered = (answer: Answer, from: number): Json => ({
  ...answer,
  choices: answer.choices.map((choice) => ({
    ...choice,
    message: {
      ...choice.message,
      ...(choice.message.tool_calls && {
        tool_calls: (choice.message.tool_calls as (Json & { id: string })[]).map((call, place) => ({
          ...call,
          id: call.id.replace(/\d+$/, String(from + place)),
        })),
      }),
    },
  })),
});

export const TURN_TOOL_MUTANTS = [
  mutant('session-tools-unused', 'a turn that brings no tools has none')
    .caughtBy('turn.tools/session-tools-used', 'turn.tools/absent-keeps')
    .proxy(askedOf((body) => ({ tools: [], ...body }))),
  mutant('tools-for-one-turn', 'tools that come with a turn are gone after it')
    .caughtBy('turn.tools/new-tools-stand')
    .proxy(
      onTurn(async (body, forward) => {
        const path = `/v1/sessions/${body.session_id}`;
        const { tools } = (await ask(forward, 'GET', path)).body;
        const response = await forward();
        if (body.tools !== undefined && response.ok) await ask(forward, 'POST', path, { tools });
        return response;
      }),
    ),
  mutant('tools-added', 'tools that come with a turn are added to those of the session')
    .caughtBy('turn.tools/new-tools-stand', 'turn.tools/empty-list-removes')
    .proxy(
      onTurn(async (body, forward) => {
        if (!Array.isArray(body.tools)) return forward();
        const { tools = [] } = (await ask(forward, 'GET', `/v1/sessions/${body.session_id}`)).body as {
          tools?: object[];
        };
        return forward({ body: { ...body, tools: [...tools, ...body.tools] } });
      }),
    ),
  mutant('tools-not-recounted', 'the tokens of tools that came with a turn are not counted')
    .caughtBy('turn.tools/new-tools-counted')
    .proxy(() => {
      const withTools = new Set<string>();
      return chain(
        onTurn((body, forward) => {
          if (body.tools !== undefined) withTools.add(body.session_id);
          return forward();
        })(),
        reads((id, what, body) => {
          if (what !== 'session' || !withTools.has(id)) return body;
          return { ...body, usage: { ...(body.usage as Json), tools_tokens: 0 } };
        }),
      );
    }),
  mutant('tools-before-checks', 'tools of a refused turn stay')
    .caughtBy('turn.tools/refused-keeps')
    .proxy(
      onTurn(async (body, forward) => {
        if (body.tools !== undefined)
          await ask(forward, 'POST', `/v1/sessions/${body.session_id}`, { tools: body.tools });
        return forward();
      }),
    ),
  mutant('empty-list-ignored', 'an empty list of tools is taken for none')
    .caughtBy('turn.tools/empty-list-removes')
    .proxy(
      askedOf(({ tools, ...body }) =>
        Array.isArray(tools) && tools.length === 0 ? body : { ...body, ...(tools !== undefined && { tools }) },
      ),
    ),
  mutant('call-ids-of-openai', 'calls have ids of another form')
    .caughtBy('turn.tool-calls/first-ids', 'turn.tool-calls/next-ids')
    .proxy(() => async (request, forward) => {
      const restore = (text: string) => text.replace(/call_(\w+)_(\d+)/g, 'functions.$1:$2');
      const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
      const response = await forward(request.body === undefined ? {} : { body: restore(body) });
      return editText(response, (text) => text.replace(/functions\.(\w+):(\d+)/g, 'call_$1_$2'));
    }),
  mutant('ids-from-zero', 'the numbers of calls begin again with every turn')
    .caughtBy('turn.tool-calls/next-ids', 'turn.call-ids-kept/counted-over-rollback')
    .proxy(answered((answer) => renumbered(answer, 0))),
  mutant('ids-from-window', 'calls are numbered by those that stand in the window')
    .caughtBy('turn.call-ids-kept/counted-over-rollback')
    .proxy(
      onTurn(async (body, forward) => {
        const before = (await windowAt(forward, body.session_id)).flatMap(idsOf).length;
        const response = await forward();
        return response.ok && !body.stream ? json(renumbered((await response.json()) as Answer, before)) : response;
      }),
    ),
  mutant('call-stored-as-text', 'a call is stored without what it calls')
    .caughtBy('turn.tool-calls/call-stored')
    .proxy(() =>
      editListed((messages) =>
        messages.map(
          ({ tool_calls, ...message }) =>
            (tool_calls ? { ...message, content: JSON.stringify(tool_calls) } : message) as Message,
        ),
      ),
    ),
  mutant('issued-ids-unknown', 'the results of calls that the model issued are refused as orphans')
    .caughtBy('turn.tool-calls/result-accepted')
    .proxy(() =>
      on('POST', WRITE, ({ body }, forward) =>
        JSON.stringify(body).includes('"tool_call_id":"functions.')
          ? Promise.resolve(refusal('tool_result_orphan', 'Invalid request: no such call'))
          : forward(),
      ),
    ),
];

const UNKNOWN = 'session_not_found';

export const TURN_UNKNOWN_MUTANTS = [
  mutant('unknown-made', 'a chat in a session that is not there makes it')
    .caughtBy(
      'turn.unknown-session/invented-refused',
      'turn.unknown-session/streamed-refused',
      'turn.unknown-session/none-created',
    )
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
        })(),
      );
    }),
  mutant('unknown-stateless', 'a chat in a session that is not there is answered without one')
    .caughtBy('turn.unknown-session/invented-refused', 'turn.unknown-session/deleted-refused')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        const { session_id, ...rest } = body;
        return (await codeOf(response)) === UNKNOWN ? forward({ body: rest }) : response;
      }),
    ),
  mutant('refusal-streamed', 'a streamed turn is refused within a stream that succeeds')
    .caughtBy('turn.unknown-session/streamed-refused')
    .proxy(
      onChat(async (body, forward) => {
        const response = await forward();
        if (response.ok || body.stream !== true) return response;
        const text = `data: ${await response.text()}\n\ndata: [DONE]\n\n`;
        return new Response(text, { headers: { 'Content-Type': 'text/event-stream' } });
      }),
    ),
  mutant('deleted-still-there', 'a deleted session still takes turns')
    .caughtBy('turn.unknown-session/deleted-refused')
    .proxy(() =>
      on('DELETE', '/v1/sessions/:id', ({ ids: [id = ''] }) =>
        Promise.resolve(Response.json({ id, object: 'session.deleted', deleted: true })),
      ),
    ),
];
