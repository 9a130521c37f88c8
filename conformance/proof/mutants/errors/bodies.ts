import { mutantsOf, worded } from '../../chats.ts';
import { answers, isJson, type Json, withHeaders } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { editText, type Handler, json, on } from '../../proxy.ts';
import { refusal } from '../../rewrites.ts';

const error = mutantsOf('errors');

const ESTIMATE = '/v1/tokenizers/estimate-token-count';
const WHOLE = { model: 'kimi-k2-0905', messages: [{ role: 'user', content: 'hi' }] };
const isObject = (body: unknown): body is Json => typeof body === 'object' && body !== null;
/** Changes bodies that are to be counted. */
const bodies = (edit: (body: Json) => Json) => (): Handler =>
  on('POST', ESTIMATE, ({ body }, forward) => (isObject(body) ? forward({ body: edit(body) }) : forward()));
const many = (edit: (messages: unknown[]) => unknown[]) =>
  bodies((body) => (Array.isArray(body.messages) ? { ...body, messages: edit(body.messages) } : body));
const filled = (edit: (filler: unknown) => unknown) =>
  bodies((body) => ('filler' in body ? { ...body, filler: edit(body.filler) } : body));
const header =
  (name: string, value: (old: string | null) => string | null, whole: (response: Response) => boolean = () => true) =>
  (): Handler =>
    answers((response) => {
      if (!whole(response)) return response;
      const said = value(response.headers.get(name));
      const changed = withHeaders(response, { [name]: said ?? '' });
      if (said === null) changed.headers.delete(name);
      return changed;
    });

export const BODY_MUTANTS: readonly Mutant[] = [
  error('broken-repaired', 'a body that is no JSON is read as well as may be', ['errors.bodies/broken-refused'], () =>
    on('POST', ESTIMATE, ({ body }, forward) =>
      typeof body === 'string' && body.startsWith('{') ? forward({ body: WHOLE }) : forward(),
    ),
  ),
  error('broken-breaks', 'a body that is no JSON is an error of the server', ['errors.bodies/broken-refused'], () =>
    on('POST', ESTIMATE, ({ body }, forward) =>
      typeof body === 'string'
        ? Promise.resolve(json({ error: { message: 'Internal error', type: 'server_error' } }, 500))
        : forward(),
    ),
  ),
  error('bytes-replaced', 'bytes that are no text are replaced', ['errors.bodies/bytes-refused'], () =>
    on('POST', ESTIMATE, ({ body }, forward) => (isObject(body) ? forward({ body }) : forward())),
  ),
  error('any-type', 'a body is read whatever it is declared to be', ['errors.bodies/other-type-refused'], () =>
    on('POST', ESTIMATE, ({ headers }, forward) =>
      forward({ headers: { ...headers, 'content-type': 'application/json' } }),
    ),
  ),
  error(
    'size-off-by-one',
    'a body of the largest size is refused',
    ['errors.sizes/largest-accepted'],
    filled((filler) => (typeof filler === 'string' ? `${filler}x` : filler)),
  ),
  error(
    'size-plus-one',
    'a body of one byte more is read',
    ['errors.sizes/larger-refused'],
    filled((filler) => (typeof filler === 'string' ? filler.slice(1) : filler)),
  ),
  error(
    'size-with-413',
    'a body that is too large is refused with 413',
    ['errors.sizes/larger-refused', 'errors.sizes/size-first'],
    () => async (_, forward) => {
      const response = await forward();
      const said = response.status === 400 ? await response.clone().text() : '';
      return said.includes('total message size')
        ? new Response(said, { status: 413, headers: response.headers })
        : response;
    },
  ),
  error(
    'size-unsaid',
    'the refusal of a large body does not say how large it was',
    [
      'errors.sizes/larger-refused',
      'errors.sizes/size-first',
      'versions.envelope/size-bare',
      'versions.order/size-before-schema',
    ],
    worded((message) => message.replace(/total message size \d+ exceeds/, 'total message size exceeds')),
  ),
  error('parsed-first', 'a body is parsed before it is measured', ['errors.sizes/size-first'], () =>
    on('POST', ESTIMATE, ({ body }, forward) =>
      typeof body === 'string' ? Promise.resolve(refusal('invalid_request')) : forward(),
    ),
  ),
  error('always-too-large', 'whatever is no JSON is said to be too large', ['errors.sizes/size-first'], () =>
    on('POST', ESTIMATE, ({ body }, forward) =>
      typeof body === 'string'
        ? Promise.resolve(refusal('body_too_large', 'total message size 4194305 exceeds limit 4194304'))
        : forward(),
    ),
  ),
  error(
    'any-depth',
    'bodies may be nested at will',
    ['errors.sizes/deeper-refused'],
    filled((filler) => (Array.isArray(filler) && filler.length === 1 ? [] : filler)),
  ),
  error(
    'depth-off-by-one',
    'the deepest body that is allowed is refused',
    ['errors.sizes/deepest-accepted'],
    filled((filler) => (Array.isArray(filler) && filler.length === 1 ? [filler] : filler)),
  ),
  error(
    'any-count',
    'bodies may hold any number of values',
    ['errors.sizes/more-values-refused'],
    filled((filler) => (Array.isArray(filler) && filler.length > 1 ? [] : filler)),
  ),
  error(
    'messages-cut',
    'messages beyond the last allowed are left out',
    ['errors.sizes/more-messages-refused'],
    many((messages) => messages.slice(0, 2_048)),
  ),
  error(
    'messages-off-by-one',
    'as many messages as allowed are refused',
    ['errors.sizes/most-messages-accepted'],
    many((messages) => (messages.length >= 2_048 ? [...messages, messages[0]] : messages)),
  ),
  error(
    'no-request-id',
    'errors have no Msh-Request-Id',
    ['errors.headers/request-id-of-errors'],
    header(
      'msh-request-id',
      () => null,
      ({ ok }) => !ok,
    ),
  ),
  error(
    'request-id-of-openai',
    'answers are named in `x-request-id`',
    ['errors.headers/request-id'],
    header('msh-request-id', () => null),
  ),
  error(
    'one-request-id',
    'all answers have the same Msh-Request-Id',
    ['errors.headers/request-ids-differ'],
    header('msh-request-id', () => 'req-1'),
  ),
  error(
    'text-plain',
    'errors are declared as text',
    ['errors.headers/json-type'],
    header(
      'content-type',
      (old) => old?.replace('application/json', 'text/plain') ?? old,
      ({ ok }) => !ok,
    ),
  ),
  error(
    'latin1',
    'JSON is declared as Latin-1',
    ['errors.headers/json-type'],
    header('content-type', () => 'application/json; charset=iso-8859-1', isJson),
  ),
  error(
    'retry-unsaid',
    'errors do not say whether to try again',
    ['errors.headers/should-retry'],
    header('x-should-retry', () => null),
  ),
  error(
    'retry-always',
    'every error says to try again',
    ['errors.headers/should-retry'],
    header('x-should-retry', (old) => (old === null ? old : 'true')),
  ),
  error('trailing-comma', 'errors are no JSON', ['errors.rows/content-empty', 'errors.keys/no-key-refused'], () =>
    answers((response, { body }) =>
      response.ok || JSON.stringify(body) === '{}' ? response : editText(response, (text) => text.replace(/\}$/, ',}')),
    ),
  ),
];
