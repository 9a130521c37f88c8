import { answers, deep, indented, isJson, jsonAnswers, onceRefused, renamedIds, withHeaders } from '../edits.ts';
import { answer } from '../proxy.ts';
import type { Variant } from './variant.ts';

const ID = /\b(sess|snap|msg|shr)_([A-Za-z0-9]+)\b/g;
const RENAMED = /\b(sess|snap|msg|shr)-x-([A-Za-z0-9]+)-0\b/g;

/** Answers that say the same in other words, and servers that have a bad moment. */
export const ANSWER_VARIANTS: readonly Variant[] = [
  {
    id: 'extra-fields',
    differs: 'every object of every answer has members that nobody knows',
    handler: () => jsonAnswers((body) => deep(body, (object) => ({ ...object, x_extra: { note: 'more' } }))),
  },
  {
    id: 'other-key-order',
    differs: 'the members of every object come in reverse',
    handler: () => jsonAnswers((body) => deep(body, (object) => Object.fromEntries(Object.entries(object).reverse()))),
  },
  {
    id: 'spaced-json',
    differs: 'JSON is indented',
    handler: () => answers((response) => (isJson(response) ? indented(response) : response)),
  },
  {
    id: 'other-ids',
    differs: 'ids have another shape',
    handler: () =>
      renamedIds(
        (text) => text.replace(ID, '$1-x-$2-0'),
        (text) => text.replace(RENAMED, '$1_$2'),
      ),
  },
  {
    id: 'created-is-200',
    differs: 'what is created is answered with 200',
    handler: () =>
      answers(async (response) => (response.status === 201 ? answer(response, await response.text(), 200) : response)),
  },
  {
    id: 'created-is-201',
    differs: 'every success of a POST that makes something is answered with 201',
    handler: () =>
      answers(async (response, { method, path }) =>
        method === 'POST' && response.status === 200 && path.endsWith('/messages') && isJson(response)
          ? answer(response, await response.text(), 201)
          : response,
      ),
  },
  {
    id: 'slow',
    differs: 'every answer takes a moment',
    handler: () => async (_, forward) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return forward();
    },
  },
  {
    id: 'read-refused-once',
    differs: 'one read is refused with 429 and Retry-After',
    handler: onceRefused(({ method, path }) => method === 'GET' && path.startsWith('/v1/sessions/')),
  },
  {
    id: 'write-refused-once',
    differs: 'one write is refused with 429 and Retry-After',
    handler: onceRefused(({ method, path }) => method === 'POST' && path.endsWith('/messages')),
  },
  {
    id: 'chat-refused-once',
    differs: 'one chat is refused with 429 and Retry-After',
    handler: onceRefused(({ method, path }) => method === 'POST' && path === '/v1/chat/completions'),
  },
  {
    id: 'more-headers',
    differs: 'answers have more headers, such as those of a cache or a proxy',
    handler: () =>
      answers((response) =>
        withHeaders(response, { Via: '1.1 proxy', 'Cache-Control': 'no-store', 'X-Cache': 'MISS' }),
      ),
  },
  {
    id: 'plain-content-type',
    differs: 'JSON is sent without a charset',
    handler: () =>
      answers((response) =>
        isJson(response) ? withHeaders(response, { 'Content-Type': 'application/json' }) : response,
      ),
  },
  {
    id: 'other-page-size',
    differs: 'pages hold 7 items where no size is asked for',
    handler: () => (request, forward) => {
      const isList = request.method === 'GET' && /\/(?:sessions|snapshots|messages)$/.test(request.path);
      if (!isList || new URLSearchParams(request.search).has('limit')) return forward();
      return forward({ search: `${request.search === '' ? '?' : `${request.search}&`}limit=7` });
    },
  },
];
