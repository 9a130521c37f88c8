import { setImmediate as others } from 'node:timers/promises';
import { ask, windowAt } from '../../proof/asking.ts';
import { finished, onChat } from '../../proof/chats.ts';
import type { Json } from '../../proof/edits.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import {
  answer,
  chain,
  editJson,
  editText,
  type Forward,
  type Handler,
  json,
  on,
  type Passing,
} from '../../proof/proxy.ts';
import { codeOf, listed, refusal, type Sent, WRITE } from '../../proof/rewrites.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const mutant = mutantsOf('turn');

const MAX_TRIES = 200;

/** The body of a chat in a session. */
type Asked = Json & { session_id: string; messages: Sent[]; stream?: boolean };

type Reply = Json & { content: string; tool_calls?: object[] };

type Answer = Json & {
  choices: { message: Reply; finish_reason: string }[];
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
};

/** Chats in sessions only. */
function onTurn(handle: (body: Asked, forward: Forward, request: Passing) => Promise<Response>): () => Handler {
  return onChat((body, forward, request) =>
    typeof body.session_id === 'string' ? handle(body as Asked, forward, request) : forward(),
  );
}

/** Changes every turn before it is answered. */
function askedOf(edit: (body: Asked) => Json): () => Handler {
  return onTurn((body, forward) => forward({ body: edit(body) }));
}

/** Changes the answer to every turn that is not streamed. */
function answered(edit: (answer: Answer, body: Asked, forward: Forward) => Json | Promise<Json>): () => Handler {
  return onTurn(async (body, forward) => {
    const response = await forward();
    if (!response.ok || body.stream) return response;
    return json(await edit((await response.json()) as Answer, body, forward));
  });
}

/** How a server goes about a turn that it puts together from single steps. */
interface Steps {
  /** What the model reads, of what stands in the window and what is new. */
  read?: (window: Sent[], added: Sent[], forward: Forward) => Sent[] | Promise<Sent[]>;
  /** What is written of what is new and the reply. */
  store?: (added: Sent[], reply: Sent, answer: Answer) => Sent[];
  /** Whether the new messages are written before the model is asked. */
  early?: boolean;
}

/**
 * A turn made of single requests: the window is read, the model asked outside of the session, and what came of it appended. Nothing
 * holds it together, which is the mistake in some mutants; in others it is what one of the steps leaves out.
 */
function pieced(steps: Steps): () => Handler {
  return onTurn((body, forward) => piece(body, forward, steps));
}

async function piece({ session_id: id, ...body }: Asked, forward: Forward, steps: Steps): Promise<Response> {
  const { read = (window, added) => [...window, ...added], store = (added, reply) => [...added, reply], early } = steps;
  const window = ((await windowAt(forward, id)) as unknown as Sent[]).map(plain);
  if (early) await write(forward, id, body.messages);
  const { tools = body.tools } = (await ask(forward, 'GET', `/v1/sessions/${id}`)).body;
  const asked = {
    ...body,
    stream: false,
    tools: body.tools ?? tools,
    messages: await read(window, body.messages, forward),
  };
  const response = await forward({
    body: (asked.tools as unknown[]).length > 0 ? asked : { ...asked, tools: undefined },
  });
  if (!response.ok) return response;
  const completion = (await response.json()) as Answer;
  const [choice] = completion.choices;
  const reply = { ...choice?.message, role: 'assistant' } as Sent;
  await write(forward, id, early ? [reply] : store(body.messages, reply, completion));
  const { body: session } = await ask(forward, 'GET', `/v1/sessions/${id}`);
  const { version, usage } = session;
  return body.stream
    ? events(completion, { id, version, usage })
    : json({ ...completion, session: { id, version, usage } });
}

async function write(forward: Forward, id: string, messages: readonly Sent[]): Promise<void> {
  if (messages.length > 0) await forward({ path: `/v1/sessions/${id}/messages`, body: { messages } });
}

/** Writes as soon as the session is idle. */
async function writeWhenIdle(forward: Forward, id: string, messages: readonly Sent[]): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const written = await forward({ path: `/v1/sessions/${id}/messages`, body: { messages } });
    if ((await codeOf(written)) !== 'session_busy') return;
    await others();
  }
}

function plain({ role, content, name, tool_calls, tool_call_id }: Sent): Sent {
  return { role, content, name, tool_calls, tool_call_id };
}

/** A whole answer as a stream. */
function events({ choices: [choice], usage, ...heading }: Answer, session: Json): Response {
  const chunk = (delta: Json, more: Json = {}) => {
    const { finish_reason = null, usage: used, ...rest } = more;
    const entry = { index: 0, delta, finish_reason, ...(used !== undefined && { usage: used }) };
    return { ...heading, object: 'chat.completion.chunk', choices: [entry], ...rest };
  };
  const data = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: choice?.message.content }),
    chunk({}, { finish_reason: choice?.finish_reason, usage, session }),
  ];
  const text = `${data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')}data: [DONE]\n\n`;
  return answer(new Response(null, { headers: { 'Content-Type': 'text/event-stream' } }), text, 200);
}

/** What is known of turns that are under way. */
interface Running {
  /** New messages of the turns that run, by session. */
  readonly turns: ReadonlyMap<string, Sent[]>;
  /** Sessions whose client went away before the end. */
  readonly left: ReadonlySet<string>;
}

/** Keeps account of turns: they run until their last byte has been read. */
function watching(more: (running: Running) => Handler): () => Handler {
  return () => {
    const turns = new Map<string, Sent[]>();
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

/** The same answer, and word of how it went. */
function followed(response: Response, told: { ended: () => unknown; left: () => unknown }): Response {
  const reader = response.body?.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await reader?.read();
        if (step && !step.done) return controller.enqueue(step.value);
        await told.ended();
        controller.close();
      },
      async cancel(reason) {
        await reader?.cancel(reason);
        await told.left();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status: response.status, headers: response.headers });
}

/** Changes what is read of sessions: each by itself, and their windows. */
function reads(edit: (id: string, what: 'session' | 'window', body: Json, search: string) => Json): Handler {
  return chain(
    on('GET', '/v1/sessions/:id', async ({ ids: [id = ''], search }, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, (body: Json) => edit(id, 'session', body, search)) : response;
    }),
    on('GET', '/v1/sessions/:id/messages', async ({ ids: [id = ''], search }, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, (body: Json) => edit(id, 'window', body, search)) : response;
    }),
  );
}

const FRAME = 4;

/** Sessions in which something was said, as their listing should not show it. */
const spoken = (edit: (content: string) => string) => () =>
  listed((messages) =>
    messages.map((message, index) =>
      index > 0 && message.role === 'assistant' ? { ...message, content: edit(String(message.content)) } : message,
    ),
  );

const charged = (edit: (prompt: number, completion: number, answer: Json) => [number, number]) =>
  answered((answer) => {
    const [prompt_tokens, completion_tokens] = edit(answer.usage.prompt_tokens, answer.usage.completion_tokens, answer);
    return { ...answer, usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } };
  });

const TURN_ACCOUNT_MUTANTS = [
  mutant('session-by-answer', 'a turn names its answer as its session')
    .caughtBy('turn.accounting/session-named')
    .proxy(
      answered((answer) => ({
        ...answer,
        session: { ...(answer.session as Json), id: answer.id },
      })),
    ),
  mutant('session-unnamed', 'the answer to a turn does not name its session')
    .caughtBy('turn.unknown-session/known-answered')
    .proxy(answered(({ session, ...answer }) => answer)),
  mutant('session-of-before', 'a turn tells the session as it was before')
    .caughtBy('turn.accounting/session-as-read', 'turn.concurrent/usage-of-all')
    .proxy(
      onTurn(async (body, forward) => {
        const { version, usage } = (await ask(forward, 'GET', `/v1/sessions/${body.session_id}`)).body;
        const response = await forward();
        if (!response.ok || body.stream) return response;
        const answer = (await response.json()) as Json;
        return Response.json({ ...answer, session: { ...(answer.session as Json), version, usage } });
      }),
    ),
  mutant('window-unpaid', 'the prompt of a turn counts the new messages only')
    .caughtBy(
      'turn.accounting/prompt-counts-all',
      'turn.accounting/usage-after',
      'turn.no-messages/prompt-is-the-window',
    )
    .proxy(
      onTurn(async (body, forward) => {
        const { usage } = (await ask(forward, 'GET', `/v1/sessions/${body.session_id}`)).body as {
          usage?: { total_tokens: number };
        };
        const response = await forward();
        if (!response.ok || body.stream) return response;
        const answer = (await response.json()) as { usage: { prompt_tokens: number } };
        const prompt_tokens = answer.usage.prompt_tokens - (usage?.total_tokens ?? 0);
        return Response.json({ ...answer, usage: { ...answer.usage, prompt_tokens } });
      }),
    ),
  mutant('end-counted', 'a completion counts the marker at its end')
    .caughtBy('turn.accounting/usage-after', 'turn.accounting/reply-tokens')
    .proxy(charged((prompt, completion) => [prompt, completion + 1])),
  mutant('begun-answer-paid', 'a begun answer is charged a beginning of its own')
    .caughtBy('turn.partial/usage-after')
    .proxy(() =>
      onTurn(async (body, forward) => {
        const response = await forward();
        if (!response.ok || !body.messages.some(({ partial }) => partial)) return response;
        const answer = (await response.json()) as { usage: { prompt_tokens: number } };
        return Response.json({
          ...answer,
          usage: { ...answer.usage, prompt_tokens: answer.usage.prompt_tokens + FRAME },
        });
      })(),
    ),
  mutant('stream-miscounted', 'a stream counts its chunks as tokens')
    .caughtBy('turn.stream/usage-after')
    .proxy(
      finished((chunk, usage) => {
        const [choice] = chunk.choices as Json[];
        return [
          { ...chunk, choices: [{ ...choice, usage: { ...usage, completion_tokens: usage.completion_tokens + 3 } }] },
        ];
      }),
    ),
  mutant('last-message-only', 'of the new messages the last alone is taken')
    .caughtBy('turn.accounting/new-stored', 'turn.accounting/prompt-counts-all')
    .proxy(askedOf((body) => ({ ...body, messages: body.messages.slice(-1) }))),
  mutant('reply-not-stored', 'the reply is not stored')
    .caughtBy('turn.accounting/reply-stored', 'turn.stream/committed-at-answer', 'turn.concurrent/not-interleaved')
    .proxy(pieced({ store: (added) => added })),
  mutant('reply-trimmed', 'the stored reply lacks its last character')
    .caughtBy('turn.accounting/reply-stored', 'turn.stream/stored-as-streamed')
    .proxy(spoken((content) => content.slice(0, -1))),
  mutant('window-replaced', 'a turn takes the place of what stood in the window')
    .caughtBy('turn.accounting/earlier-kept')
    .proxy(() => {
      const told = new Set<string>();
      return chain(
        onTurn((body, forward) => {
          told.add(body.session_id);
          return forward();
        })(),
        listed((messages) => (told.has(String(messages[0]?.session_id)) ? messages.slice(-3) : messages)),
      );
    }),
  mutant('version-per-message', 'each message of a turn is a step of the version')
    .caughtBy('turn.accounting/one-version')
    .proxy(() =>
      reads((_, what, body) =>
        what === 'session'
          ? { ...body, version: Number(body.version) + (body.usage as { messages: number }).messages }
          : body,
      ),
    ),
  mutant('stream-session-unnamed', 'a stream does not name its session')
    .caughtBy('turn.stream/finish-names-session')
    .proxy(finished(({ session, ...chunk }) => [chunk])),
  mutant('stream-session-of-before', 'a stream tells the version before the turn')
    .caughtBy('turn.stream/finish-as-read')
    .proxy(
      finished((chunk) => {
        const session = chunk.session as (Json & { version: number }) | undefined;
        return [session ? { ...chunk, session: { ...session, version: session.version - 1 } } : chunk];
      }),
    ),
  mutant('reads-lag', 'the first read after a turn shows the session before it')
    .caughtBy('turn.stream/committed-at-answer', 'turn.stream/committed-at-finish')
    .proxy(() => {
      const seen = new Map<string, Json>();
      const stale = new Set<string>();
      return chain(
        onTurn(async ({ session_id: id }, forward) => {
          const response = await forward();
          for (const what of ['session', 'window']) stale.add(`${what} ${id}`);
          return response;
        })(),
        reads((id, what, body) => {
          const place = `${what} ${id}`;
          const shown = (stale.delete(place) && seen.get(place)) || body;
          seen.set(place, body);
          return shown;
        }),
      );
    }),
  mutant('committed-after-done', 'a streamed turn is stored after its last byte')
    .caughtBy('turn.stream/committed-at-finish')
    .proxy(() => {
      const seen = new Map<string, Json>();
      const open = new Set<string>();
      return chain(
        onTurn(async ({ session_id: id, stream }, forward) => {
          const response = await forward();
          if (!stream || !response.ok) return response;
          open.add(id);
          return followed(response, { ended: () => open.delete(id), left: () => undefined });
        })(),
        reads((id, what, body) => {
          if (open.has(id)) return seen.get(`${what} ${id}`) ?? body;
          seen.set(`${what} ${id}`, body);
          return body;
        }),
      );
    }),
];

const LAST = 10;

async function allWindows(forward: Forward): Promise<Sent[]> {
  const { data = [] } = (await ask(forward, 'GET', '/v1/sessions', undefined, '?limit=100')).body as {
    data?: { id: string }[];
  };
  const windows: Sent[] = [];
  for (const { id } of data) {
    const messages = await windowAt(forward, id);
    windows.push(...messages.map(({ role, content }) => ({ role, content })));
  }
  return windows;
}

const TURN_HISTORY_MUTANTS = [
  mutant('history-ignored', 'the model reads the new messages only')
    .caughtBy(
      'turn.history/written-before-read',
      'turn.history/said-before-read',
      'turn.history/late-system-read',
      'turn.isolation/own-read',
    )
    .proxy(pieced({ read: (_, added) => added })),
  mutant('last-messages-only', 'the model reads the last ten messages')
    .caughtBy('turn.history/oldest-of-many-read', 'turn.window/oldest-of-full-read')
    .proxy(pieced({ read: (window, added) => [...window.slice(-LAST), ...added] })),
  mutant('turns-not-kept', 'what is said in turns is not stored')
    .caughtBy('turn.history/said-before-read', 'turn.accounting/new-stored')
    .proxy(
      pieced({
        store: () => [],
      }),
    ),
  mutant('late-system-ignored', 'the model reads system messages at the beginning only')
    .caughtBy('turn.history/late-system-read')
    .proxy(
      pieced({
        read: (window, added) => [...window.filter(({ role }, index) => index === 0 || role !== 'system'), ...added],
      }),
    ),
  mutant('history-shared', 'the model reads all sessions of the account')
    .caughtBy('turn.isolation/other-not-read')
    .proxy(
      pieced({
        read: async (_, added, forward) => [...(await allWindows(forward)), ...added],
      }),
    ),
  mutant('outside-reads-sessions', 'a chat without session goes on from the sessions of the account')
    .caughtBy('turn.isolation/outside-not-read')
    .proxy(
      onChat(async (body, forward) => {
        if (body.session_id !== undefined || !Array.isArray(body.messages)) return forward();
        return forward({ body: { ...body, messages: [...(await allWindows(forward)), ...body.messages] } });
      }),
    ),
  mutant('one-session', 'every turn goes to the session of the first')
    .caughtBy('turn.isolation/stored-apart', 'turn.isolation/other-not-read')
    .proxy(() => {
      let first: string | undefined;
      return onTurn(async (body, forward) => {
        first ??= body.session_id;
        const response = await forward({ body: { ...body, session_id: first } });
        if ((await codeOf(response)) !== 'session_not_found') return response;
        first = undefined;
        return forward();
      })();
    }),
  mutant('empty-window-accepted', 'a turn of no messages in an empty window is answered')
    .caughtBy('turn.no-messages/empty-window-refused')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        if (response.ok || body.messages.length > 0) return response;
        return forward({ body: { ...body, messages: [{ role: 'user', content: 'Hello.' }] } });
      }),
    ),
  mutant('messages-needed', 'a turn has to bring messages')
    .caughtBy('turn.tool-calls/goes-on-from-result')
    .proxy(
      onTurn((body, forward) =>
        body.messages.length === 0
          ? Promise.resolve(refusal('invalid_request', 'Invalid request: messages: empty'))
          : forward(),
      ),
    ),
  mutant('last-repeated', 'a turn of no messages repeats the last one')
    .caughtBy('turn.no-messages/reply-alone-stored', 'turn.no-messages/prompt-is-the-window')
    .proxy(
      onTurn(async (body, forward) => {
        const last = body.messages.length === 0 ? (await windowAt(forward, body.session_id)).at(-1) : undefined;
        return last?.role === 'user'
          ? forward({ body: { ...body, messages: [{ role: 'user', content: last.content }] } })
          : forward();
      }),
    ),
  mutant('greets-instead', 'a turn of no messages is answered as if nothing had been said')
    .caughtBy('turn.no-messages/answers-the-window')
    .proxy(
      pieced({
        read: (window, added) => (added.length === 0 ? [{ role: 'user', content: 'Hello.' }] : [...window, ...added]),
      }),
    ),
];

const { append_tokens: limit, window_tokens: window } = SMALL_LIMITS;

const longer = (messages: Sent[]) => messages.map((message) => ({ ...message, content: `${message.content} table` }));

const isEmpty = ({ content }: Sent) => content === '';

const TURN_LIMIT_MUTANTS = [
  mutant('limit-refused', 'a turn of a write of exactly the limit is refused')
    .caughtBy('turn.limit/exact-accepted')
    .proxy(
      askedOf((body) => ({
        ...body,
        messages: longer(body.messages),
      })),
    ),
  mutant('limit-and-one-accepted', 'a turn takes one token more than a write may')
    .caughtBy('turn.limit/over-refused', 'turn.limit/sum-over-refused', 'turn.limit/over-changes-nothing')
    .limits({ append_tokens: limit + 1 }),
  mutant('limit-per-message', 'the limit holds for each new message of a turn by itself')
    .caughtBy('turn.limit/sum-over-refused')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        if (body.messages.length < 2 || (await codeOf(response)) !== 'append_too_large') return response;
        const path = `/v1/sessions/${body.session_id}/messages`;
        for (const message of body.messages.slice(0, -1)) await forward({ path, body: message });
        return forward({ body: { ...body, messages: body.messages.slice(-1) } });
      }),
    ),
  mutant('refused-turn-stored', 'the new messages of a refused turn are stored, as far as they can be')
    .caughtBy(
      'turn.limit/over-changes-nothing',
      'turn.limit/empty-changes-nothing',
      'turn.window/over-changes-nothing',
      'turn.choices/two-change-nothing',
      'turn.pairing/refusals-change-nothing',
    )
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        const path = `/v1/sessions/${body.session_id}/messages`;
        if (response.status === 400) for (const message of body.messages) await forward({ path, body: message });
        return response;
      }),
    ),
  mutant('empty-accepted', 'a new message that says nothing is accepted')
    .caughtBy('turn.limit/empty-refused')
    .proxy(
      askedOf((body) => ({
        ...body,
        messages: body.messages.map((message) => (isEmpty(message) ? { ...message, content: ' ' } : message)),
      })),
    ),
  mutant('one-over-window', 'a turn may take the window one token over its end')
    .caughtBy('turn.window/over-refused', 'turn.window/over-told')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        const isOneOver = (await response.clone().text()).includes(`(requested: ${window + 1})`);
        return isOneOver ? forward({ body: { ...body, max_tokens: Number(body.max_tokens) - 1 } }) : response;
      }),
    ),
  mutant('max-tokens-uncounted', 'max tokens are not reserved in the window')
    .caughtBy('turn.window/over-refused', 'turn.window/default-max-told')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        return (await codeOf(response)) === 'context_window_exceeded'
          ? forward({ body: { ...body, max_tokens: 1 } })
          : response;
      }),
    ),
  mutant('window-refused', 'a turn cannot take the window to its last token')
    .caughtBy('turn.window/exact-accepted', 'turn.window/over-told')
    .proxy(
      askedOf((body) => ({ ...body, ...(typeof body.max_tokens === 'number' && { max_tokens: body.max_tokens + 1 }) })),
    ),
  mutant('window-rolls', 'a turn that does not fit drops the oldest messages')
    .caughtBy('turn.window/over-refused', 'turn.window/over-changes-nothing', 'turn.window/exact-keeps-all')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'context_window_exceeded') return response;
        await ask(forward, 'POST', `/v1/sessions/${body.session_id}/truncate`, { preserve_len: window / 4 });
        return forward();
      }),
    ),
  mutant('headroom-kept', 'a window that a turn has filled is cut')
    .caughtBy('turn.window/exact-keeps-all')
    .proxy(
      onTurn(async (body, forward) => {
        const response = await forward();
        const path = `/v1/sessions/${body.session_id}`;
        const { usage } = (await ask(forward, 'GET', path)).body as { usage?: { remaining_tokens: number } };
        if (response.ok && usage && usage.remaining_tokens < 48) {
          await ask(forward, 'POST', `${path}/truncate`, { preserve_len: window / 2 });
        }
        return response;
      }),
    ),
  mutant('requested-short', 'what was requested is told without the end of the answer')
    .caughtBy('turn.window/over-told', 'turn.window/default-max-told')
    .proxy(
      onTurn(async (_, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'context_window_exceeded') return response;
        return editJson(response, ({ error }: { error: { message: string } }) => ({
          error: {
            ...error,
            message: error.message.replace(/(?<=requested: )\d+/, (count) => String(Number(count) - 1)),
          },
        }));
      }),
    ),
  mutant('other-default', 'a turn without max_tokens counts as one of 512')
    .caughtBy('turn.window/default-max-told')
    .proxy(
      askedOf((body) => ({
        max_tokens: 512,
        ...body,
      })),
    ),
];

const idsOf = (message: { tool_calls?: unknown }) =>
  ((message.tool_calls ?? []) as { id: string }[]).map(({ id }) => id);

/** Calls that wait in a window. */
function open(window: readonly { tool_calls?: unknown; tool_call_id?: unknown }[]): string[] {
  return window.reduce<string[]>(
    (ids, message) => [...ids.filter((id) => id !== message.tool_call_id), ...idsOf(message)],
    [],
  );
}

const TURN_PAIRING_MUTANTS = [
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

const TURN_RACE_MUTANTS = [
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
          const data = (body.data ?? []) as Sent[];
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

const TURN_REPLY_MUTANTS = [
  mutant('partial-apart', 'a begun answer and what continues it are stored as two messages')
    .caughtBy('turn.partial/one-message')
    .proxy(
      pieced({
        store: (added, reply) => [...added.map(({ partial, ...message }) => message as Sent), reply],
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
      listed((messages) =>
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

const TURN_TOOL_MUTANTS = [
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
      const told = new Set<string>();
      return chain(
        onTurn((body, forward) => {
          if (body.tools !== undefined) told.add(body.session_id);
          return forward();
        })(),
        reads((id, what, body) => {
          if (what !== 'session' || !told.has(id)) return body;
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
      listed((messages) =>
        messages.map(
          ({ tool_calls, ...message }) =>
            (tool_calls ? { ...message, content: JSON.stringify(tool_calls) } : message) as Sent,
        ),
      ),
    ),
  mutant('issued-ids-unknown', 'the results of calls that the model issued are taken for strangers')
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

const TURN_UNKNOWN_MUTANTS = [
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

export const TURN_MUTANTS: readonly Mutant[] = [
  ...TURN_ACCOUNT_MUTANTS,
  ...TURN_HISTORY_MUTANTS,
  ...TURN_LIMIT_MUTANTS,
  ...TURN_PAIRING_MUTANTS,
  ...TURN_TOOL_MUTANTS,
  ...TURN_REPLY_MUTANTS,
  ...TURN_UNKNOWN_MUTANTS,
  ...TURN_RACE_MUTANTS,
];
