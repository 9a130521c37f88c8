import { askedFor, errors, history, mutantsOf, refuses, worded } from '../../proof/chats.ts';
import { answers, isJson, type Json, withHeaders } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { answer, editJson, editText, type Handler, json, on, type Passing } from '../../proof/proxy.ts';
import { refusal } from '../../proof/rewrites.ts';

const error = mutantsOf('errors');

const KEY = /^Bearer +\S+ *$/i;

const hasKey = ({ headers }: Passing) => KEY.test(headers.authorization ?? '');

/** What is done with a request that has no key; whatever has one passes. */
const without = (handle: Handler) => (): Handler => (request, forward) =>
  hasKey(request) ? forward() : handle(request, forward);

const KEYS = ['sk-conformance-a', 'sk-conformance-b'];

const asAnybody = { authorization: 'Bearer sk-anybody' };

const ACCESS_MUTANTS: readonly Mutant[] = [
  error(
    'no-key-accepted',
    'a request without a key is answered',
    ['errors.keys/no-key-refused', 'errors.keys/chat-without-key-refused'],
    without(({ headers }, forward) =>
      headers.authorization === undefined ? forward({ headers: { ...headers, ...asAnybody } }) : forward(),
    ),
  ),
  error(
    'no-key-not-found',
    'a request without a key finds nothing',
    ['errors.keys/no-key-refused', 'errors.keys/chat-without-key-refused'],
    without(async () => refusal('model_not_found', 'Not found')),
  ),
  error(
    'no-key-in-html',
    'a request without a key is answered with a page',
    ['errors.keys/no-key-refused'],
    without(
      async () =>
        new Response('<html><body>Please log in</body></html>', {
          status: 401,
          headers: { 'Content-Type': 'text/html' },
        }),
    ),
  ),
  error(
    'no-key-incorrect',
    'a request without a key is refused as one with an unknown key',
    ['errors.keys/no-key-row'],
    errors((said) =>
      said.type === 'invalid_authentication_error'
        ? { message: 'Incorrect API key provided', type: 'incorrect_api_key_error' }
        : said,
    ),
  ),
  error(
    'models-public',
    'the models are listed for who has no key',
    ['errors.keys/no-key-refused'],
    without(({ path, headers }, forward) =>
      path === '/v1/models' ? forward({ headers: { ...headers, ...asAnybody } }) : forward(),
    ),
  ),
  error(
    'any-authorization',
    'any Authorization is taken for a key',
    ['errors.keys/malformed-refused'],
    without(({ headers }, forward) =>
      headers.authorization === undefined ? forward() : forward({ headers: { ...headers, ...asAnybody } }),
    ),
  ),
  {
    ...error(
      'unknown-key-unnamed',
      'a key that is not known is refused as no key is',
      ['errors.keys/unknown-key-row'],
      errors((said) =>
        said.type === 'incorrect_api_key_error'
          ? { message: 'Invalid Authentication', type: 'invalid_authentication_error' }
          : said,
      ),
    ),
    options: () => ({ keys: KEYS }),
  },
  {
    ...error(
      'unknown-key-forbidden',
      'a key that is not known is refused with 403',
      ['errors.keys/unknown-refused'],
      () => async (_, forward) => {
        const response = await forward();
        const text = await response.clone().text();
        return text.includes('incorrect_api_key_error') ? answer(response, text, 403) : response;
      },
    ),
    options: () => ({ keys: KEYS }),
  },
  error(
    'body-first',
    'a body is read before the key, and what is wrong with it is told to anybody',
    ['errors.keys/key-first'],
    without(({ body }, forward) => (typeof body === 'string' ? refuses() : forward())),
  ),
  error(
    'route-first',
    'who has no key is told which routes there are',
    ['errors.keys/key-first'],
    without(({ path, method }, forward) =>
      path.includes('no-such-route')
        ? Promise.resolve(json({ code: 5, error: 'url.not_found', method, url: path }, 404))
        : forward(),
    ),
  ),
  error(
    'locked',
    'after a refused request the account is locked',
    [
      'errors.keys/own-key-accepted',
      'errors.rows/next-accepted',
      'errors.bodies/whole-accepted',
      'errors.route/known-answered',
      'errors.hosted-agents/without-accepted',
      'tools.pairing/answered-accepted',
    ],
    () => {
      let locked = false;
      return async (request, forward) => {
        if (locked) return refuses('The account is locked', 403);
        const response = await forward();
        // What the kit sends to see what there is: reads of invented ids, and empty bodies.
        const probing = /probe|sessions$/.test(request.path) || JSON.stringify(request.body) === '{}';
        locked = response.status >= 400 && (!probing || 'kimi-api-version' in request.headers);
        return response;
      };
    },
  ),
  error(
    'locked-by-the-window',
    'after a request for more than the window the account is locked',
    ['errors.window/next-accepted'],
    () => {
      let locked = false;
      return async (_, forward) => {
        if (locked) return refuses('The account is locked', 403);
        const response = await forward();
        locked = (await response.clone().text()).includes('exceeded model token limit');
        return response;
      };
    },
  ),
  error(
    'hosted-agents-ignored',
    'a request for Hosted Agents is answered as if it asked for the dialect',
    ['errors.hosted-agents/refused'],
    () =>
      ({ headers: { 'kimi-api-version': _, ...headers } }, forward) =>
        forward({ headers }),
  ),
  error(
    'hosted-agents-unnamed',
    'the refusal of Hosted Agents does not say what it refuses',
    ['errors.hosted-agents/refused'],
    () => async (_, forward) => {
      const response = await forward();
      if (response.status !== 400) return response;
      return editJson(response, (body: { error: { message: string } }) => ({
        error: { ...body.error, message: body.error.message.replace(/Hosted Agents.*/, 'unknown header') },
      }));
    },
  ),
];

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

const BODY_MUTANTS: readonly Mutant[] = [
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

const MANY = ['errors.rows/model-not-found', 'errors.rows/content-empty', 'errors.rows/earlier-content-empty'] as const;

/** What becomes of a refusal. */
const refusals = (edit: (response: Response) => Response | Promise<Response>) => (): Handler =>
  answers((response, { body }) => (response.ok || JSON.stringify(body) === '{}' ? response : edit(response)));

const withText = (status: number) => refusals(async (response) => answer(response, await response.text(), status));

const ROW_MUTANTS: readonly Mutant[] = [
  error(
    'with-200',
    'errors come with 200',
    [...MANY, 'errors.rows/wrong-field-named', 'errors.route/body-exact'],
    withText(200),
  ),
  error(
    'with-422',
    'requests that are not understood are refused with 422',
    ['errors.rows/content-empty', 'errors.rows/wrong-field-named', 'errors.bodies/other-type-refused'],
    refusals(async (response) => (response.status === 400 ? answer(response, await response.text(), 422) : response)),
  ),
  error(
    'in-html',
    'errors come as pages',
    [...MANY],
    refusals(
      (response) =>
        new Response(`<h1>${response.status}</h1>`, {
          status: response.status,
          headers: { 'Content-Type': 'text/html' },
        }),
    ),
  ),
  error(
    'openai-envelope',
    'errors have a code and a param, as those of OpenAI have',
    ['errors.rows/no-code-no-param'],
    errors((said) => ({ ...said, param: null, code: null })),
  ),
  error(
    'default-model',
    'a model that is not there is answered by the one that is',
    ['errors.rows/model-not-found'],
    askedFor('model', () => 'kimi-k2-0905'),
  ),
  error(
    'model-invalid',
    'a model that is not there is an invalid request',
    ['errors.rows/model-not-found'],
    errors((said) => (said.type === 'resource_not_found_error' ? { ...said, type: 'invalid_request_error' } : said)),
  ),
  error(
    'empty-accepted',
    'messages without text are answered',
    ['errors.rows/content-empty', 'errors.rows/earlier-content-empty'],
    history((messages) => messages.map((message) => (message.content === '' ? { ...message, content: ' ' } : message))),
  ),
  error(
    'last-content-only',
    'only the last message needs a text',
    ['errors.rows/earlier-content-empty'],
    history((messages) => messages.filter(({ content }, index) => content !== '' || index === messages.length - 1)),
  ),
  error(
    'content-named',
    'the refusal of an empty text names the field',
    ['errors.rows/content-empty'],
    worded((message) => message.replace(/^text content is empty$/, 'Invalid request: messages[0].content is empty')),
  ),
  error(
    'field-unnamed',
    'what is wrong with a field is told without its name',
    ['errors.rows/wrong-field-named'],
    worded((message) => message.replace(/^(Invalid request: )[\w.[\]]+: /, '$1')),
  ),
  error(
    'unprefixed',
    'what is wrong with a field is told without the words before it',
    ['errors.rows/wrong-field-named'],
    worded((message) => message.replace(/^Invalid request: (?!Your)/, '')),
  ),
  error(
    'window-in-other-words',
    'what does not fit the window is refused in the words of OpenAI',
    ['errors.window/text-exact'],
    worded((message) => message.replace(/.*token limit: (\d+) .*/, "This model's maximum context length is $1 tokens")),
  ),
  error(
    'window-without-prefix',
    'the refusal of what does not fit lacks its first words',
    ['errors.window/text-exact'],
    worded((message) => message.replace('Invalid request: Your', 'Your')),
  ),
  error(
    'answer-requested',
    'what is said to be requested leaves the prompt out',
    ['errors.window/sum-requested'],
    worded((message) => message.replace(/requested: (\d+)/, (_, tokens) => `requested: ${Number(tokens) - 12}`)),
  ),
  error(
    'plain-not-found',
    'a route that does not exist is answered in plain text',
    ['errors.route/body-exact', 'errors.route/request-named', 'errors.route/other-method'],
    unknownRoutes(() => new Response('404 page not found', { status: 404 })),
  ),
  error(
    'route-in-envelope',
    'a route that does not exist is answered in the envelope of errors',
    ['errors.route/body-exact'],
    unknownRoutes(() => json({ error: { message: 'Not found', type: 'resource_not_found_error' } }, 404)),
  ),
  error(
    'route-of-another',
    'the body for an unknown route always names GET and the root',
    ['errors.route/request-named'],
    unknownRoutes((body) => json({ ...body, method: 'GET', url: '/v1' }, 404)),
  ),
  error(
    'method-not-allowed',
    'another method on a route that there is is refused with 405',
    ['errors.route/other-method'],
    unknownRoutes((body) => json(body, body.method === 'DELETE' ? 405 : 404)),
  ),
];

/** Changes the body for unknown routes, but for those that the kit looks for to see what there is. */
function unknownRoutes(edit: (body: Json) => Response): () => Handler {
  return () => async (request, forward) => {
    const response = await forward();
    if (response.status !== 404 || request.path.includes('probe')) return response;
    const body = (await response.clone().json()) as Json;
    return body.error === 'url.not_found' ? edit(body) : response;
  };
}

export const ERRORS_MUTANTS: readonly Mutant[] = [...ACCESS_MUTANTS, ...ROW_MUTANTS, ...BODY_MUTANTS];
