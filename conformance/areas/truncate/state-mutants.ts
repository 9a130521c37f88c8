import { routeOf } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editJson, type Handler, type Json } from '../../proof/proxy.ts';
import { bumpVersion, refusal } from '../../proof/sessions.ts';
import { snapshotSearch } from '../snapshots/search-cases.ts';
import { COMPRESS_STATE_CASES, CUT_STATE_CASES } from './state-cases.ts';

/** Servers whose cuts and compressions are other than they say, and whose search misses a place. */

const mutant = mutantsOf('truncate', { answers, listedAfter, rehearsalActs });
const checks = [...CUT_STATE_CASES, ...COMPRESS_STATE_CASES].flatMap(({ id, checks: known }) =>
  Object.keys(known).map((name) => `${id}/${name}`),
);
const caught = (area: string, part: string, isIt: (check: string) => boolean = () => true) =>
  checks.filter((check) => check.startsWith(area) && check.endsWith(`-${part}`) && isIt(check));

/** Changes the answers on one route. */
function answers(route: string, edit: (body: Json & { removed: Json; before: Json; after: Json }) => Json): Handler {
  return async (request, forward) => {
    const response = await forward();
    return routeOf(request) === route && response.ok ? editJson(response, edit) : response;
  };
}

/** Changes what is listed of windows after one route. */
function listedAfter(route: string, edit: (messages: Json[], times: number) => Json[]): Handler {
  const changed = new Map<string, number>();
  return async (request, forward) => {
    const response = await forward();
    const id = request.path.split('/')[3] ?? '';
    if (response.ok && routeOf(request) === route) changed.set(id, (changed.get(id) ?? 0) + 1);
    else if (response.ok && routeOf(request) === 'rollback') changed.delete(id);
    const times = changed.get(id);
    const isList = request.method === 'GET' && request.path.endsWith('/messages') && times !== undefined;
    return isList
      ? editJson(response, (page: Json) => ({ ...page, data: edit(page.data as Json[], times) }))
      : response;
  };
}

function rehearsalActs(route: string): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (routeOf(request) !== `${route}-rehearsal` || !response.ok) return response;
    const text = await response.text();
    await bumpVersion(request, forward, request.path.split('/')[3] ?? '');
    return new Response(text, response);
  };
}

const STATE = [
  mutant('cut-message-counted', 'a message whose text was cut counts as removed')
    .caughtBy(...caught('truncate.states-text', 'answer'), ...caught('truncate.states-result', 'answer'))
    .answers('truncate', (body) => ({
      ...body,
      removed: {
        ...body.removed,
        messages: Number(body.removed.messages) + (Number(body.removed.tokens) > 0 ? 1 : 0),
      },
    })),
  mutant('removed-tokens-off', 'the tokens that a cut removes are one too many')
    .caughtBy(...caught('truncate.', 'answer'))
    .answers('truncate', (body) => ({
      ...body,
      removed: { ...body.removed, tokens: Number(body.removed.tokens) + 1 },
    })),
  mutant('rehearsal-steps-version', 'a rehearsal of a cut steps the version')
    .caughtBy(...caught('truncate.', 'rehearsal'))
    .rehearsalActs('truncate'),
  mutant('kept-renamed', 'what a cut keeps has other names')
    .caughtBy(...caught('truncate.', 'kept'))
    .listedAfter('truncate', (messages, times) =>
      messages.map((message) => ({ ...message, name: `cut ${times} times` })),
    ),
  mutant('again-refused', 'a cut that was made before is refused')
    .caughtBy(...caught('truncate.', 'again'))
    .proxy(() => {
      const done = new Set<string>();
      return async (request, forward) => {
        const place = `${request.path} ${JSON.stringify(request.body)}`;
        if (routeOf(request) === 'truncate' && done.has(place)) return refusal('invalid_request');
        if (routeOf(request) === 'truncate') done.add(place);
        return forward();
      };
    }),
  mutant('compress-after-off', 'the usage that a compress states is not the one that is read')
    .caughtBy(...caught('compress.', 'answer'))
    .answers('compress', (body) => ({
      ...body,
      after: { ...body.after, total_tokens: Number(body.after.total_tokens) - 1 },
    })),
  mutant('compress-rehearsal-steps', 'a rehearsal of a compress steps the version')
    .caughtBy(...caught('compress.', 'rehearsal'))
    .rehearsalActs('compress'),
  mutant('compress-less', 'a compress makes less of the window than it was asked')
    .caughtBy(...caught('compress.', 'within'))
    .proxy(() => async (request, forward) => {
      const isIt = routeOf(request) === 'compress';
      return isIt ? forward({ body: { ...(request.body as Json), ratio: 1.05 } }) : forward();
    }),
  mutant('compress-changes-names', 'what stays beside a summary has other names')
    .caughtBy(...caught('compress.', 'kept'))
    .listedAfter('compress', (messages, times) =>
      messages.map((message) => ({ ...message, name: `compressed ${times} times` })),
    ),
  mutant('compress-undone-otherwise', 'a rollback renames whoever speaks')
    .caughtBy(...caught('compress.', 'undone'))
    .listedAfter('rollback', (messages, times) =>
      messages.map((message) => ({ ...message, name: `rolled back ${times} times` })),
    ),
];

/** A search that looks at a part of each message only. */
const SEARCHED: Readonly<Record<string, (message: Json) => string>> = {
  'text-alone': ({ content }) => (typeof content === 'string' ? content : ''),
  'first-part': ({ content, tool_calls }) =>
    `${Array.isArray(content) ? (content as { text: string }[])[0]?.text : content} ${JSON.stringify(tool_calls)}`,
  'content-alone': ({ content }) => JSON.stringify(content),
  'users-alone': ({ role, content, tool_calls }) => (role === 'user' ? JSON.stringify([content, tool_calls]) : ''),
  'calls-alone': ({ tool_calls }) => JSON.stringify(tool_calls) ?? '',
};
const PLACES: Readonly<Record<string, readonly string[]>> = {
  'text-alone': [
    'first-part',
    'last-part',
    'only-part',
    'result-part',
    'arguments',
    'two-words-in-parts',
    'two-words-in-any-order',
  ],
  'first-part': ['last-part', 'result-part', 'two-words-in-parts'],
  'content-alone': ['arguments'],
  'users-alone': ['system', 'assistant', 'beside-call', 'arguments', 'result', 'result-part'],
  'calls-alone': ['text', 'named', 'pinned', 'blanks-around', 'oldest-first-on-request'],
};

const SEARCH = [
  ...Object.entries(SEARCHED).map(([name, textOf]) =>
    mutant(`search-of-${name}`, `a search looks at ${name.replaceAll('-', ' ')}`)
      .caughtBy(
        ...(PLACES[name] ?? [])
          .filter((place) => place in snapshotSearch.checks)
          .map((place) => `snapshots.search/${place}`),
      )
      .proxy(() => async (request, forward) => {
        const response = await forward();
        const query = new URLSearchParams(request.search).get('query');
        if (query === null || !response.ok) return response;
        const words = query.toLowerCase().split(/\s+/).filter(Boolean);
        return editJson(response, (page: Json) => ({
          ...page,
          data: (page.data as Json[]).filter((message) =>
            words.every((word) => textOf(message).toLowerCase().includes(word)),
          ),
        }));
      }),
  ),
  mutant('search-of-any-word', 'a search finds messages with any of its words')
    .caughtBy('snapshots.search/one-word-missing two-words-in-parts')
    .proxy(() => (request, forward) => {
      const query = new URLSearchParams(request.search).get('query')?.trim().split(/\s+/);
      const word = query?.find((one) => /alpha|beta/i.test(one));
      return query && query.length > 1 && word
        ? forward({
            search: request.search.replace(
              /query=[^&]*/,
              `query=${word === 'alpha' && query.includes('beta') ? 'beta' : word}`,
            ),
          })
        : forward();
    }),
];

export const CUT_MUTANTS: readonly Mutant[] = [...STATE, ...SEARCH];
