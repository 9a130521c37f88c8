import { routeOf, withHeader } from '../../proof/cells.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { mutantsOf } from '../../proof/mutant.ts';
import type { Handler } from '../../proof/proxy.ts';
import {
  choiceOf,
  editEachChunk,
  editJson,
  editText,
  isEvents,
  type Json,
  json,
  objectIn,
  withChoice,
} from '../../proof/proxy.ts';
import { codeOf, refusal, untilRead, whileChatting } from '../../proof/sessions.ts';
import { READ_PATHS } from '../errors/gate-mutants.ts';
import { BUSY_CASES, MEANWHILE_READS } from './busy-cases.ts';
import { FEATURE_CASES } from './feature-cases.ts';

/** Servers that are broken in turns of one kind, or in what a turn meets. */

const mutant = mutantsOf('turn', { busyHeaders, duringAny, meanwhileRead, onTurn });

const namesOf = (cases: readonly { id: string; checks: object }[], id: string) =>
  Object.keys(cases.find((known) => known.id === id)?.checks ?? {}).map((name) => `${id}/${name}`);

const MODES = ['whole', 'streamed', 'streamed-with-usage'] as const;

/** The mode of a turn by its request. */
function isMode(mode: (typeof MODES)[number], body: Json): boolean {
  if (typeof body.session_id !== 'string') return false;
  const streamed = body.stream === true;
  return mode === 'whole'
    ? !streamed
    : streamed && (body.stream_options !== undefined) === (mode === 'streamed-with-usage');
}

/** Changes what a turn of one mode is asked, or what it answers. */
function onTurn(
  mode: (typeof MODES)[number],
  meet: (body: Json, forward: (body?: Json) => Promise<Response>) => Promise<Response>,
): Handler {
  return (request, forward) => {
    const body = objectIn(request);
    const isIt = request.method === 'POST' && request.path === '/v1/chat/completions' && isMode(mode, body);
    return isIt ? meet(body, (changed = body) => forward({ body: changed })) : forward();
  };
}

/** Every usage of an answer, whichever way it is answered. */
async function usages(response: Response, edit: (usage: Json) => Json): Promise<Response> {
  if (!response.ok) return response;
  if (!isEvents(response)) return editJson(response, (body: Json) => ({ ...body, usage: edit(body.usage as Json) }));
  return editEachChunk((chunk) => {
    const usage = choiceOf(chunk)?.usage;
    const edited = usage ? withChoice(chunk, { usage: edit(usage as Json) }) : chunk;
    // Where it is asked for it comes once more, in a chunk of its own.
    return [edited.usage ? { ...edited, usage: edit(edited.usage as Json) } : edited];
  })({} as never, () => Promise.resolve(response));
}

const sessionsIn = (response: Response, edit: (text: string) => string) =>
  response.ok ? editText(response, edit) : Promise.resolve(response);

const MODE_MUTANTS = MODES.flatMap((mode): Mutant[] => {
  const features = namesOf(FEATURE_CASES, `turn.features-${mode}`);
  const states = namesOf(FEATURE_CASES, `turn.states-${mode}`);
  const numbers = namesOf(FEATURE_CASES, `turn.call-numbers-${mode}`);
  const brim = namesOf(FEATURE_CASES, `turn.brim-${mode}`);
  const stored = features.filter((check) => check.endsWith('-stored'));
  const counted = features.filter((check) => check.endsWith('-counted'));
  const sessioned = features.filter((check) => check.endsWith('-session'));
  const of = (...names: string[]) => features.filter((check) => names.some((name) => check.endsWith(`/${name}`)));
  return [
    mutant(`another-turn-${mode}`, `a turn that is answered ${mode} stores a message more`)
      .caughtBy(...stored, ...states)
      .onTurn(mode, async (body, forward) => {
        const messages = body.messages as Json[];
        const last = messages.at(-1);
        const more = { role: 'user', content: 'One more.' };
        const before = last?.role === 'tool' || messages.length === 0;
        return forward({ ...body, messages: before ? [...messages, more] : [more, ...messages] });
      }),
    mutant(`miscounted-${mode}`, `a turn that is answered ${mode} states a token more than its prompt has`)
      .caughtBy(...counted, ...states)
      .onTurn(mode, async (_, forward) =>
        usages(await forward(), (usage) => ({
          ...usage,
          prompt_tokens: Number(usage.prompt_tokens) + 1,
          total_tokens: Number(usage.total_tokens) + 1,
        })),
      ),
    mutant(`old-session-${mode}`, `the answer ${mode} names the version before the turn`)
      .caughtBy(...sessioned)
      .onTurn(mode, async (_, forward) =>
        sessionsIn(await forward(), (text) =>
          text.replace(/"version":(\d+)/g, (_all, version) => `"version":${Number(version) - 1}`),
        ),
      ),
    mutant(`stop-ignored-${mode}`, `the stop string is stored and said in a turn that is answered ${mode}`)
      .caughtBy(...of('stop-stored', 'stop-list-stored'))
      .onTurn(mode, (body, forward) => (body.stop === undefined ? forward() : storedWithStop(body, forward))),
    mutant(`partial-apart-${mode}`, `a partial message and its continuation are two messages when answered ${mode}`)
      .caughtBy(...of('partial-stored', 'partial-named-stored'))
      .onTurn(mode, (body, forward) =>
        forward({ ...body, messages: (body.messages as Json[]).map(({ partial: _, ...message }) => message) }),
      ),
    mutant(`nulls-refused-${mode}`, `a null is refused as a number of choices in a turn that is answered ${mode}`)
      .caughtBy(...of('null-choices-stored'))
      .onTurn(mode, (body, forward) => (body.n === null ? Promise.resolve(refusal('invalid_request')) : forward())),
    mutant(`pins-lost-${mode}`, `pins of new messages are lost when answered ${mode}`)
      .caughtBy(...of('several-stored'))
      .onTurn(mode, (body, forward) =>
        forward({ ...body, messages: (body.messages as Json[]).map(({ pinned: _, ...message }) => message) }),
      ),
    mutant(`tools-not-kept-${mode}`, `tools that come with a turn that is answered ${mode} do not stay`)
      .caughtBy(...of('other-tools-stored', 'no-tools-stored', 'call-of-new-tool-stored'))
      .proxy(() => {
        const meet = onTurn(mode, (body, forward) => forward(body));
        return async (request, forward) => {
          const body = objectIn(request);
          const isIt = request.path === '/v1/chat/completions' && isMode(mode, body) && Array.isArray(body.tools);
          if (!isIt) return meet(request, forward);
          const path = `/v1/sessions/${body.session_id}`;
          const { authorization = '' } = request.headers;
          const headers = { authorization, 'content-type': 'application/json' };
          const { tools } = (await (await forward({ method: 'GET', path, body: undefined, headers })).json()) as Json;
          const response = await forward();
          const text = await response.text();
          await (await forward({ path, headers, body: { tools } })).text();
          return new Response(text, response);
        };
      }),
    ...(numbers.length === 0
      ? []
      : [
          mutant(`calls-unnumbered-${mode}`, `calls that are answered ${mode} have random ids`)
            .caughtBy(...numbers)
            .onTurn(mode, async (_, forward) =>
              sessionsIn(await forward(), (text) => text.replaceAll(/functions\.get_forecast:\d+/g, 'call_random')),
            ),
          mutant(`brim-lower-${mode}`, `a turn that is answered ${mode} may not fill the window`)
            .caughtBy(...brim.filter((check) => check.endsWith('-exact')))
            .onTurn(mode, (body, forward) => forward({ ...body, max_tokens: Number(body.max_tokens) + 1 })),
          mutant(`brim-higher-${mode}`, `a turn that is answered ${mode} may go a token over the window`)
            .caughtBy(...brim.filter((check) => check.endsWith('-over')))
            .onTurn(mode, (body, forward) => forward({ ...body, max_tokens: Number(body.max_tokens) - 1 })),
        ]),
  ];
});

/** Says the stop string, and stores it. */
async function storedWithStop(body: Json, forward: (body?: Json) => Promise<Response>): Promise<Response> {
  const { stop: _, ...rest } = body;
  return forward(rest);
}

const BUSY = namesOf(BUSY_CASES, 'turn.busy-routes').filter((check) => !/retry/.test(check));
const busyNames = BUSY.map((check) => check.split('/')[1] ?? '');
const done = () => json({ object: 'done' });
const meanwhile = (...names: string[]) => names.map((name) => `turn.busy-meanwhile/${name}`);

const BUSY_MUTANTS = [
  ...busyNames.map((name) =>
    mutant(`not-busy-for-${name}`, `a turn does not keep ${name} from happening`)
      .caughtBy(`turn.busy-routes/${name}`)
      .proxy(() =>
        (name === 'delete' ? duringAny : whileChatting)(async (request, forward) =>
          routeOf(request) === name ? done() : forward(),
        ),
      ),
  ),
  mutant('busy-without-retry-after', 'a busy session says no Retry-After')
    .caughtBy('turn.busy-routes/retry-after')
    .busyHeaders('session_busy', 'retry-after', null),
  mutant('busy-for-good', 'a busy session says that no retry helps')
    .caughtBy('turn.busy-routes/should-retry')
    .busyHeaders('session_busy', 'x-should-retry', 'false'),
  mutant('in-progress-without-retry-after', 'a request in progress says no Retry-After')
    .caughtBy(...meanwhile('in-progress-retry-after'), 'idempotency.race/others-retry-after')
    .busyHeaders('request_in_progress', 'retry-after', null),
  mutant('in-progress-for-good', 'a request in progress says that no retry helps')
    .caughtBy(...meanwhile('in-progress-should-retry'))
    .busyHeaders('request_in_progress', 'x-should-retry', 'false'),
  mutant('in-progress-told-busy', 'the same request twice is told that the session is busy')
    .caughtBy(...meanwhile('in-progress-told'))
    .proxy(() => async (_, forward) => {
      const response = await forward();
      return (await codeOf(response)) === 'request_in_progress' ? refusal('session_busy') : response;
    }),
  mutant('others-busy', 'a turn keeps every session busy')
    .caughtBy(...meanwhile('others-not-busy'))
    .proxy(() => {
      let running = 0;
      const count = (by: number) => {
        running += by;
      };
      const turns = whileChatting((_, forward) => forward());
      return async (request, forward) => {
        const chats = request.path === '/v1/chat/completions';
        if (running > 0 && request.method === 'POST' && request.path.endsWith('/messages'))
          return refusal('session_busy');
        if (chats) count(1);
        const response = await turns(request, forward);
        if (!chats || !response.body) return response;
        return untilRead(response, () => count(-1));
      };
    }),
  mutant('reads-wait-in-error', 'a session cannot be read while a turn runs')
    .caughtBy(...meanwhile('reads-before', 'other-account-as-unknown'))
    .duringAny(async ({ method, path }, forward) =>
      method === 'GET' && path.includes('/sessions/') ? refusal('session_busy') : forward(),
    ),
  ...MEANWHILE_READS.map(({ name }) =>
    mutant(`${name}-busy`, `the route ${name} is refused while a turn runs`)
      .caughtBy(...meanwhile(name))
      .meanwhileRead(name),
  ),
  mutant('snapshots-busy', 'no snapshot can be taken while a turn runs')
    .caughtBy(...meanwhile('snapshot-before'))
    .duringAny(async ({ method, path }, forward) =>
      method === 'POST' && path.endsWith('/snapshots') ? refusal('session_busy') : forward(),
    ),
  mutant('replays-busy', 'a replay waits for the turn')
    .caughtBy(...meanwhile('replay-answered'))
    .duringAny(async ({ path, headers }, forward) =>
      path.endsWith('/messages') && headers['idempotency-key'] ? refusal('session_busy') : forward(),
    ),
  mutant('busy-before-version', 'a busy session does not look at the version')
    .caughtBy(...meanwhile('stale-first'))
    .duringAny(async ({ headers }, forward) => (headers['if-match'] ? refusal('session_busy') : forward())),
  mutant('busy-uses-key', 'what is refused as busy has used up its key')
    .caughtBy(...meanwhile('key-free-after-busy'))
    .proxy(() => {
      const used = new Set<string>();
      return async (request, forward) => {
        const key = request.headers['idempotency-key'] ?? '';
        if (used.has(key)) return refusal('idempotency_mismatch');
        const response = await forward();
        if (key && (await codeOf(response)) === 'session_busy') used.add(key);
        return response;
      };
    }),
  mutant('busy-told-to-all', 'that a session is busy is told before whose it is')
    .caughtBy(...meanwhile('other-account-as-unknown'))
    .duringAny(
      async ({ method, path }, forward) =>
        method === 'POST' && path.startsWith('/v1/sessions/') && !path.endsWith('/snapshots')
          ? refusal('session_busy')
          : forward(),
      true,
    ),
  mutant('held-turn-not-replayed', 'a turn that was streamed is not stored under its key')
    .caughtBy(...meanwhile('replayed-after'))
    .onRoute('streamed-chat', async (request, forward) => {
      const response = await forward();
      if (!response.headers.has('idempotent-replayed')) return response;
      const { 'idempotency-key': _, ...headers } = request.headers;
      return forward({ headers });
    }),
];

/** While a streamed turn of anybody is under way, one route of reads is refused. */
function meanwhileRead(name: string): Handler {
  let running = 0;
  return async (request, forward) => {
    const { method, path } = request;
    if (running > 0 && method === 'GET' && READ_PATHS[name]?.test(path)) return refusal('session_busy');
    const { stream, session_id } = objectIn(request);
    const response = await forward();
    if (!path.endsWith('/chat/completions') || stream !== true || !session_id || !response.ok) return response;
    running += 1;
    return untilRead(response, () => {
      running -= 1;
    });
  };
}

/** What any account meets while the last streamed turn of anybody is under way. @param unknown only where nothing was found */
function duringAny(meet: Parameters<typeof whileChatting>[0], unknown = false): Handler {
  const busy = new Set<string>();
  return async (request, forward) => {
    const body = objectIn(request);
    if (
      request.path === '/v1/chat/completions' &&
      body.stream === true &&
      typeof body.session_id === 'string' &&
      busy.size === 0
    ) {
      const id = body.session_id;
      const response = await forward();
      if (!response.ok || !response.body) return response;
      busy.add(id);
      return untilRead(response, () => busy.delete(id));
    }
    const named = [...busy].some((id) => request.path.includes(id));
    if (!named) return forward();
    if (!unknown) return meet(request, forward);
    const response = await forward();
    return response.status === 404 ? meet(request, forward) : response;
  };
}

function busyHeaders(code: string, name: string, value: string | null): Handler {
  return async (_, forward) => {
    const response = await forward();
    return response.status === 409 && (await codeOf(response)) === code ? withHeader(response, name, value) : response;
  };
}

export const TURN_CELL_MUTANTS: readonly Mutant[] = [...MODE_MUTANTS, ...BUSY_MUTANTS].filter(
  ({ caughtBy }) => caughtBy.length > 0,
);
