import {
  answer,
  byteByByte,
  choiceOf,
  editEachChunk,
  editEachEvent,
  editJsonResponse,
  editObjects,
  editResponse,
  type Handler,
  indented,
  isEvents,
  isJson,
  refuseOnce,
  renamedIds,
  withChoice,
  withHeaders,
} from './proxy.ts';

/** A server that is other than the emulator and just as good. No check may fail on it. */
export interface Variant {
  readonly id: string;
  /** So that one reads "a server where …". */
  readonly differs: string;
  /** A new one for each run, since it may remember things. */
  readonly handler: () => Handler;
}

const ID = /\b(sess|snap|msg|shr)_([A-Za-z0-9]+)\b/g;

const RENAMED = /\b(sess|snap|msg|shr)-x-([A-Za-z0-9]+)-0\b/g;

/** Answers that say the same in other words, and servers that have a bad moment. */
const ANSWER_VARIANTS: readonly Variant[] = [
  {
    id: 'extra-fields',
    differs: 'every object of every answer has members that nobody knows',
    handler: () =>
      editJsonResponse((body) => editObjects(body, (object) => ({ ...object, x_extra: { note: 'more' } }))),
  },
  {
    id: 'other-key-order',
    differs: 'the members of every object come in reverse',
    handler: () =>
      editJsonResponse((body) => editObjects(body, (object) => Object.fromEntries(Object.entries(object).reverse()))),
  },
  {
    id: 'spaced-json',
    differs: 'JSON is indented',
    handler: () => editResponse((response) => (isJson(response) ? indented(response) : response)),
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
      editResponse(async (response) =>
        response.status === 201 ? answer(response, await response.text(), 200) : response,
      ),
  },
  {
    id: 'created-is-201',
    differs: 'every success of a POST that makes something is answered with 201',
    handler: () =>
      editResponse(async (response, { method, path }) =>
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
    handler: () => refuseOnce(({ method, path }) => method === 'GET' && path.startsWith('/v1/sessions/')),
  },
  {
    id: 'write-refused-once',
    differs: 'one write is refused with 429 and Retry-After',
    handler: () => refuseOnce(({ method, path }) => method === 'POST' && path.endsWith('/messages')),
  },
  {
    id: 'chat-refused-once',
    differs: 'one chat is refused with 429 and Retry-After',
    handler: () => refuseOnce(({ method, path }) => method === 'POST' && path === '/v1/chat/completions'),
  },
  {
    id: 'more-headers',
    differs: 'answers have more headers, such as those of a cache or a proxy',
    handler: () =>
      editResponse((response) =>
        withHeaders(response, { Via: '1.1 proxy', 'Cache-Control': 'no-store', 'X-Cache': 'MISS' }),
      ),
  },
  {
    id: 'plain-content-type',
    differs: 'JSON is sent without a charset',
    handler: () =>
      editResponse((response) =>
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

/** Streams that say the same in other bytes. */
const STREAM_VARIANTS: readonly Variant[] = [
  {
    id: 'comments',
    differs: 'event streams carry comments and keep-alives',
    handler: () =>
      editEachEvent(
        (data) => [data],
        (data) => `: keep-alive\n\ndata: ${data}\n\n:\n`,
      ),
  },
  {
    id: 'crlf',
    differs: 'lines of event streams end with CRLF',
    handler: () =>
      editEachEvent(
        (data) => [data],
        (data) => `data: ${data}\r\n\r\n`,
      ),
  },
  {
    id: 'no-space-after-colon',
    differs: 'nothing stands between `data:` and the data',
    handler: () =>
      editEachEvent(
        (data) => [data],
        (data) => `data:${data}\n\n`,
      ),
  },
  {
    id: 'byte-by-byte',
    differs: 'answers arrive a byte at a time',
    handler: () =>
      editResponse((response) => (isEvents(response) || !isJson(response) ? byteByByte(response) : response)),
  },
  {
    id: 'role-with-content',
    differs: 'the role comes with the first piece of content instead of before it',
    handler: () => {
      const waiting = new Set<number>();
      return editEachChunk((chunk) => {
        const choice = choiceOf(chunk);
        const alone = choice?.delta.role !== undefined && choice.delta.content === '';
        if (alone) waiting.add(choice.index);
        if (alone) return [];
        const first = choice !== undefined && waiting.delete(choice.index);
        return [first ? withChoice(chunk, { delta: { role: 'assistant', ...choice.delta } }) : chunk];
      });
    },
  },
  {
    id: 'empty-deltas',
    differs: 'empty deltas stand between the pieces',
    handler: () =>
      editEachChunk((chunk) => {
        const choice = choiceOf(chunk);
        if (choice?.finish_reason !== null) return [chunk];
        return [chunk, withChoice(chunk, { delta: { content: '' }, finish_reason: null })];
      }),
  },
  {
    id: 'split-content',
    differs: 'each piece of content comes in two',
    handler: () =>
      editEachChunk((chunk) => {
        const choice = choiceOf(chunk);
        const content = choice?.delta.content;
        if (typeof content !== 'string' || [...content].length < 2) return [chunk];
        const characters = [...content];
        const middle = Math.floor(characters.length / 2);
        const parts = [characters.slice(0, middle), characters.slice(middle)];
        return parts.map((part) => withChoice(chunk, { delta: { ...choice?.delta, content: part.join('') } }));
      }),
  },
  {
    id: 'content-with-finish',
    differs: 'the finish chunk has an empty piece of content in its delta',
    handler: () =>
      editEachChunk((chunk) => {
        const choice = choiceOf(chunk);
        return [
          choice && choice.finish_reason !== null
            ? withChoice(chunk, { delta: { ...choice.delta, content: '' } })
            : chunk,
        ];
      }),
  },
];

/** Servers on which no check may fail. */
export const BENIGN: readonly Variant[] = [...ANSWER_VARIANTS, ...STREAM_VARIANTS];
