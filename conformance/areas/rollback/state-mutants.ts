import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editJson, type Handler, type Json, objectIn, type Passing } from '../../proof/proxy.ts';
import { refusal } from '../../proof/sessions.ts';
import { WINDOW_STATES } from '../../tables/states.ts';
import { STATE_CASES } from './state-cases.ts';

/** For each way to bring a window back, servers that lose something on it. */

const mutant = mutantsOf('rollback', { after });
const WAYS = ['restored', 'archived', 'rollback', 'rollback-all', 'fork', 'share-fork'] as const;
type Way = (typeof WAYS)[number];

/** What a request brings back: a session by its id, or a listing. */
function broughtBack(way: Way, request: Passing, answer: Json): string | undefined {
  const { method, path, search } = request;
  const fields = objectIn(request);
  if (way === 'restored' || way === 'archived') {
    const listed = method === 'GET' && /^\/v1\/snapshots\/[^/]+\/messages$/.test(path);
    return listed && search.includes('archived') === (way === 'archived') ? 'listing' : undefined;
  }
  if (method !== 'POST') return undefined;
  const rolledBack = path.endsWith('/rollback') && (fields.preserve_len === 'all') === (way === 'rollback-all');
  if (way.startsWith('rollback')) return rolledBack ? path.split('/')[3] : undefined;
  const forked = path === '/v1/sessions' && (way === 'fork' ? 'snapshot_id' : 'share_id') in fields;
  return forked ? String(answer.id) : undefined;
}

/** Changes what is read of a window that was brought back in one way, until it changes again. */
function after(
  way: Way,
  edit: { messages?: (message: Json) => Json; session?: (session: Json) => Json; write?: true },
  least = 1,
): Handler {
  const times = new Map<string, number>();
  const back = { has: (id: string) => (times.get(id) ?? 0) >= least };
  return async (request, forward) => {
    const id = request.path.split('/')[3] ?? '';
    const isWrite = request.method === 'POST' && request.path.endsWith('/messages');
    if (edit.write && isWrite && back.has(id)) return refusal('invalid_request');
    const response = await forward();
    if (!response.ok || !(response.headers.get('content-type') ?? '').includes('json')) return response;
    const answer = (await response.clone().json()) as Json;
    const named = broughtBack(way, request, answer);
    if (named === 'listing' && edit.messages) return editJson(response, pageOf(edit.messages));
    if (named) times.set(named, (times.get(named) ?? 0) + 1);
    else if (request.method === 'POST' && /\/(?:rollback|truncate|compress)$/.test(request.path)) times.delete(id);
    if (!back.has(id) || request.method !== 'GET') return response;
    if (edit.messages && request.path.endsWith('/messages')) return editJson(response, pageOf(edit.messages));
    return edit.session && request.path.endsWith(id) ? editJson(response, edit.session) : response;
  };
}

const pageOf = (edit: (message: Json) => Json) => (page: Json) => ({ ...page, data: (page.data as Json[]).map(edit) });

/** What is lost, and the states in which there is such a thing. */
const LOST: Readonly<Record<string, { states?: readonly string[]; edit: (message: Json) => Json }>> = {
  names: { edit: ({ name: _, ...message }) => message },
  'unpinned-leads': {
    states: ['pinned'],
    edit: (message) => ({ ...message, pinned: message.pinned || message.role === 'system' }),
  },
  'names-beside-calls': {
    edit: ({ name, ...message }) => (message.tool_calls || name === undefined ? message : { ...message, name }),
  },
  tokens: { edit: (message) => ({ ...message, tokens: Number(message.tokens) + 1 }) },
  pins: { edit: (message) => ({ ...message, pinned: message.role === 'system' && message.pinned }) },
  parts: {
    edit: (message) =>
      Array.isArray(message.content)
        ? { ...message, content: (message.content as { text: string }[]).map(({ text }) => text).join('') }
        : message,
  },
  truncated: { states: ['text-cut', 'result-cut'], edit: (message) => ({ ...message, truncated: false }) },
  summary: { states: ['compressed'], edit: (message) => ({ ...message, summary: false }) },
  calls: {
    edit: ({ tool_calls, ...message }) => ({
      ...message,
      ...(tool_calls ? { tool_calls: (tool_calls as unknown[]).slice(0, 1) } : {}),
    }),
  },
};

const STATES = WINDOW_STATES.map(({ name }) => name);
/** States whose cut has left nothing but the newest of what every window has. */
const HAS: Readonly<Record<string, readonly string[]>> = {
  names: STATES,
  'names-beside-calls': STATES.filter((name) => !['text-cut', 'compressed'].includes(name)),
  tokens: STATES,
  pins: STATES.filter((name) => name !== 'pinned'),
  parts: STATES.filter((name) => !['text-cut', 'result-cut'].includes(name)),
  calls: STATES.filter((name) => !['text-cut', 'result-cut'].includes(name)),
};

const known = new Set(STATE_CASES.flatMap(({ id, checks }) => Object.keys(checks).map((name) => `${id}/${name}`)));
const caught = (part: string, states: readonly string[] = STATES) =>
  states.map((state) => `rollback.state-${state}/${part}`).filter((check) => known.has(check));

/** A window that was rolled back before is brought back the second time. */
const times = (way: Way) => (way === 'rollback' ? STATES.filter((name) => name !== 'rolled-back') : STATES);
const SECOND = [
  mutant('tokens-lost-on-second-rollback', 'tokens are lost when a window is rolled back again')
    .caughtBy('rollback.state-rolled-back/rollback-messages')
    .after('rollback', { messages: (message) => ({ ...message, tokens: Number(message.tokens) + 1 }) }, 2),
  mutant('usage-lost-on-second-rollback', 'the usage is another when a window is rolled back again')
    .caughtBy('rollback.state-rolled-back/rollback-usage')
    .after(
      'rollback',
      { session: (session) => ({ ...session, usage: { ...(session.usage as Json), remaining_tokens: 1 } }) },
      2,
    ),
  mutant('stands-still-after-second-rollback', 'a window that was rolled back again takes no message')
    .caughtBy('rollback.state-rolled-back/rollback-goes-on')
    .after('rollback', { write: true }, 2),
];

const WAY_MUTANTS = WAYS.flatMap((way) => [
  ...Object.entries(LOST).map(([name, { states = HAS[name] ?? STATES, edit }]) =>
    mutant(`${name}-lost-on-${way}`, `${name.replaceAll('-', ' ')} are lost when a window is brought back by ${way}`)
      .caughtBy(
        ...caught(
          `${way}-messages`,
          states.filter((state) => times(way).includes(state)),
        ),
      )
      .after(way, { messages: edit }),
  ),
  mutant(`usage-lost-on-${way}`, `the usage is another when a window is brought back by ${way}`)
    .caughtBy(...caught(`${way}-usage`, times(way)))
    .after(way, {
      session: (session) => ({ ...session, usage: { ...(session.usage as Json), remaining_tokens: 1 } }),
    }),
  mutant(`stands-still-after-${way}`, `a window that was brought back by ${way} takes no message`)
    .caughtBy(...caught(`${way}-goes-on`, times(way)))
    .after(way, { write: true }),
]);

export const STATE_MUTANTS: readonly Mutant[] = [
  ...WAY_MUTANTS,
  ...SECOND,
  mutant('usage-unlike-estimate', 'the usage of a session is not what its window counts as a prompt')
    .caughtBy(...caught('counts-as-estimated'))
    .proxy(() => async (request, forward) => {
      const response = await forward();
      const isSession = request.method === 'GET' && /^\/v1\/sessions\/[^/]+$/.test(request.path);
      if (!isSession) return response;
      return editJson(response, (body: Json & { usage?: Json }) => ({
        ...body,
        usage: { ...body.usage, total_tokens: Number(body.usage?.total_tokens) + 1 },
      }));
    }),
].filter(({ caughtBy }) => caughtBy.length > 0);
