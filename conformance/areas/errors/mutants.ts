import { editErrors, refuse } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import {
  answer,
  editJson,
  editResponse,
  editText,
  type Handler,
  isJson,
  type Json,
  json,
  on,
  type Passing,
  withHeaders,
} from '../../proof/proxy.ts';
import { refusal } from '../../proof/sessions.ts';
import type { REFUSED } from './envelope-cases.ts';

/** Where each refusal is asked for whose members are judged. */
const ENVELOPE_PATHS: Record<keyof typeof REFUSED, RegExp> = {
  'model-unknown': /\/models\/./,
  'chat-streamed': /\/chat\/completions$/,
  'estimate-model': /\/estimate-token-count$/,
  'estimate-field': /\/estimate-token-count$/,
  'estimate-no-json': /\/estimate-token-count$/,
  'file-unknown': /\/files\/./,
  'balance-no-key': /\/balance$/,
};

const mutant = mutantsOf('errors', { filled, header, many, refusals, unknownRoutes, withText, without });

const KEY = /^Bearer +\S+ *$/i;

const hasKey = ({ headers }: Passing) => KEY.test(headers.authorization ?? '');

/** What is done with a request that has no key; whatever has one passes. */
function without(handle: Handler): Handler {
  return (request, forward) => (hasKey(request) ? forward() : handle(request, forward));
}

const KEYS = ['sk-conformance-a', 'sk-conformance-b'];

const asAnybody = { authorization: 'Bearer sk-anybody' };

const ACCESS_MUTANTS = [
  mutant('no-key-accepted', 'a request without a key is answered')
    .caughtBy('errors.keys/no-key-refused chat-without-key-refused')
    .without(({ headers }, forward) =>
      headers.authorization === undefined ? forward({ headers: { ...headers, ...asAnybody } }) : forward(),
    ),
  mutant('no-key-not-found', 'a request without a key finds nothing')
    .caughtBy('errors.keys/no-key-refused chat-without-key-refused')
    .without(async () => refusal('model_not_found', 'Not found')),
  mutant('no-key-in-html', 'a request without a key is answered with a page')
    .caughtBy('errors.keys/no-key-refused')
    .without(
      async () =>
        new Response('<html><body>Please log in</body></html>', {
          status: 401,
          headers: { 'Content-Type': 'text/html' },
        }),
    ),
  mutant('no-key-invalid', 'a request without a key is refused as one with an unknown key')
    .caughtBy('errors.keys/no-key-row')
    .editErrors((said) =>
      said.type === 'incorrect_api_key_error'
        ? { message: 'Invalid Authentication', type: 'invalid_authentication_error' }
        : said,
    ),
  mutant('models-public', 'the models are listed for who has no key')
    .caughtBy('errors.keys/no-key-refused')
    .without(({ path, headers }, forward) =>
      path === '/v1/models' ? forward({ headers: { ...headers, ...asAnybody } }) : forward(),
    ),
  mutant('any-authorization', 'any Authorization is taken for a key')
    .caughtBy('errors.keys/malformed-refused')
    .without(({ headers }, forward) =>
      headers.authorization === undefined ? forward() : forward({ headers: { ...headers, ...asAnybody } }),
    ),
  mutant('unknown-key-unnamed', 'a key that is not known is refused as no key is')
    .caughtBy('errors.keys/unknown-key-row')
    .emulator({ apiKeys: KEYS }, () =>
      editErrors((said) =>
        said.type === 'invalid_authentication_error'
          ? { message: 'Incorrect API key provided', type: 'incorrect_api_key_error' }
          : said,
      ),
    ),
  mutant('unknown-key-forbidden', 'a key that is not known is refused with 403')
    .caughtBy('errors.keys/unknown-refused')
    .emulator({ apiKeys: KEYS }, () => async (_, forward) => {
      const response = await forward();
      const text = await response.clone().text();
      return text.includes('invalid_authentication_error') ? answer(response, text, 403) : response;
    }),
  mutant('body-first', 'a body is checked before the key, and its faults are reported to anyone')
    .caughtBy('errors.keys/key-first')
    .without(({ body }, forward) => (typeof body === 'string' ? refuse() : forward())),
  mutant('route-first', 'a request without a key learns which routes exist')
    .caughtBy('errors.keys/key-first')
    .without(({ path, method }, forward) =>
      path.includes('no-such-route')
        ? Promise.resolve(json({ code: 5, error: 'url.not_found', method, url: path }, 404))
        : forward(),
    ),
  mutant('locked', 'after a refused request the account is locked')
    .caughtBy(
      'errors.keys/own-key-accepted',
      'errors.rows/next-accepted',
      'errors.bodies/whole-accepted',
      'errors.route/known-answered',
      'errors.hosted-agents/without-accepted',
      'tools.pairing/answered-accepted',
    )
    .proxy(() => {
      let locked = false;
      return async (request, forward) => {
        if (locked) return refuse('The account is locked', 403);
        const response = await forward();
        // What the kit sends to see what there is: reads of invented ids, and empty bodies.
        const probing = /probe|sessions$/.test(request.path) || JSON.stringify(request.body) === '{}';
        locked = response.status >= 400 && (!probing || 'kimi-api-version' in request.headers);
        return response;
      };
    }),
  mutant('locked-by-the-window', 'after a request for more than the window the account is locked')
    .caughtBy('errors.window/next-accepted')
    .proxy(() => {
      let locked = false;
      return async (_, forward) => {
        if (locked) return refuse('The account is locked', 403);
        const response = await forward();
        locked = (await response.clone().text()).includes('exceeded model token limit');
        return response;
      };
    }),
  mutant('hosted-agents-ignored', 'a request for Hosted Agents is answered as if it asked for the dialect')
    .caughtBy('errors.hosted-agents/refused')
    .proxy(
      () =>
        ({ headers: { 'kimi-api-version': _, ...headers } }, forward) =>
          forward({ headers }),
    ),
  mutant('hosted-agents-unnamed', 'the refusal of Hosted Agents does not say what it refuses')
    .caughtBy('errors.hosted-agents/refused')
    .proxy(() => async (_, forward) => {
      const response = await forward();
      if (response.status !== 400) return response;
      return editJson(response, (body: { error: { message: string } }) => ({
        error: { ...body.error, message: body.error.message.replace(/Hosted Agents.*/, 'unknown header') },
      }));
    }),
];

const ESTIMATE = '/v1/tokenizers/estimate-token-count';

const WHOLE = { model: 'kimi-k2-0905', messages: [{ role: 'user', content: 'hi' }] };

const isObject = (body: unknown): body is Json => typeof body === 'object' && body !== null;

/** Changes bodies that are to be counted. */
const bodies = (edit: (body: Json) => Json): Handler =>
  on('POST', ESTIMATE, ({ body }, forward) => (isObject(body) ? forward({ body: edit(body) }) : forward()));

function many(edit: (messages: unknown[]) => unknown[]): Handler {
  return bodies((body) => (Array.isArray(body.messages) ? { ...body, messages: edit(body.messages) } : body));
}

function filled(edit: (filler: unknown) => unknown): Handler {
  return bodies((body) => ('filler' in body ? { ...body, filler: edit(body.filler) } : body));
}

function header(
  name: string,
  value: (old: string | null) => string | null,
  whole: (response: Response) => boolean = () => true,
): Handler {
  return editResponse((response) => {
    if (!whole(response)) return response;
    const said = value(response.headers.get(name));
    const changed = withHeaders(response, { [name]: said ?? '' });
    if (said === null) changed.headers.delete(name);
    return changed;
  });
}

const BODY_MUTANTS = [
  mutant('broken-repaired', 'a body that is not JSON is repaired and read')
    .caughtBy('errors.bodies/broken-refused')
    .on('POST', ESTIMATE, ({ body }, forward) =>
      typeof body === 'string' && body.startsWith('{') ? forward({ body: WHOLE }) : forward(),
    ),
  mutant('broken-breaks', 'a body that is not JSON is a server error')
    .caughtBy('errors.bodies/broken-refused')
    .on('POST', ESTIMATE, ({ body }, forward) =>
      typeof body === 'string'
        ? Promise.resolve(json({ error: { message: 'Internal error', type: 'server_error' } }, 500))
        : forward(),
    ),
  mutant('bytes-replaced', 'bytes that are not UTF-8 are replaced')
    .caughtBy('errors.bodies/bytes-refused')
    .on('POST', ESTIMATE, ({ body }, forward) => (isObject(body) ? forward({ body }) : forward())),
  mutant('any-type', 'a body is read whatever it is declared to be')
    .caughtBy('errors.bodies/other-type-refused')
    .on('POST', ESTIMATE, ({ headers }, forward) =>
      forward({ headers: { ...headers, 'content-type': 'application/json' } }),
    ),
  mutant('size-off-by-one', 'a body of the largest size is refused')
    .caughtBy('errors.sizes/largest-accepted')
    .filled((filler) => (typeof filler === 'string' ? `${filler}x` : filler)),
  mutant('size-plus-one', 'a body of one byte more is read')
    .caughtBy('errors.sizes/larger-refused')
    .filled((filler) => (typeof filler === 'string' ? filler.slice(1) : filler)),
  mutant('size-with-413', 'a body that is too large is refused with 413')
    .caughtBy('errors.sizes/larger-refused size-first')
    .proxy(() => async (_, forward) => {
      const response = await forward();
      const said = response.status === 400 ? await response.clone().text() : '';
      return said.includes('total message size')
        ? new Response(said, { status: 413, headers: response.headers })
        : response;
    }),
  mutant('size-unsaid', 'the refusal of a large body does not say how large it was')
    .caughtBy(
      'errors.sizes/larger-refused size-first',
      'versions.envelope/size-bare',
      'versions.order/size-before-schema',
    )
    .editErrorText((message) => message.replace(/total message size \d+ exceeds/, 'total message size exceeds')),
  mutant('parsed-first', 'a body is parsed before it is measured')
    .caughtBy('errors.sizes/size-first')
    .on('POST', ESTIMATE, ({ body }, forward) =>
      typeof body === 'string' ? Promise.resolve(refusal('invalid_request')) : forward(),
    ),
  mutant('always-too-large', 'anything that is not JSON is refused as too large')
    .caughtBy('errors.sizes/size-first')
    .on('POST', ESTIMATE, ({ body }, forward) =>
      typeof body === 'string'
        ? Promise.resolve(refusal('body_too_large', 'total message size 4194305 exceeds limit 4194304'))
        : forward(),
    ),
  mutant('any-depth', 'bodies may be nested at will')
    .caughtBy('errors.sizes/deeper-refused')
    .filled((filler) => (Array.isArray(filler) && filler.length === 1 ? [] : filler)),
  mutant('depth-off-by-one', 'the deepest body that is allowed is refused')
    .caughtBy('errors.sizes/deepest-accepted')
    .filled((filler) => (Array.isArray(filler) && filler.length === 1 ? [filler] : filler)),
  mutant('any-count', 'bodies may hold any number of values')
    .caughtBy('errors.sizes/more-values-refused')
    .filled((filler) => (Array.isArray(filler) && filler.length > 1 ? [] : filler)),
  mutant('messages-cut', 'messages beyond the last allowed are left out')
    .caughtBy('errors.sizes/more-messages-refused')
    .many((messages) => messages.slice(0, 2_048)),
  mutant('messages-off-by-one', 'as many messages as allowed are refused')
    .caughtBy('errors.sizes/most-messages-accepted')
    .many((messages) => (messages.length >= 2_048 ? [...messages, messages[0]] : messages)),
  mutant('no-request-id', 'errors have no Msh-Request-Id')
    .caughtBy('errors.headers/request-id-of-errors')
    .header(
      'msh-request-id',
      () => null,
      ({ ok }) => !ok,
    ),
  mutant('request-id-of-openai', 'answers are named in `x-request-id`')
    .caughtBy('errors.headers/request-id')
    .header('msh-request-id', () => null),
  mutant('one-request-id', 'all answers have the same Msh-Request-Id')
    .caughtBy('errors.headers/request-ids-differ')
    .header('msh-request-id', () => 'req-1'),
  mutant('text-plain', 'errors are declared as text')
    .caughtBy('errors.headers/json-type')
    .header(
      'content-type',
      (old) => old?.replace('application/json', 'text/plain') ?? old,
      ({ ok }) => !ok,
    ),
  mutant('latin1', 'JSON is declared as Latin-1')
    .caughtBy('errors.headers/json-type')
    .header('content-type', () => 'application/json; charset=iso-8859-1', isJson),
  mutant('retry-unsaid', 'errors do not say whether to try again')
    .caughtBy('errors.headers/should-retry')
    .header('x-should-retry', () => null),
  mutant('retry-always', 'every error says to try again')
    .caughtBy('errors.headers/should-retry')
    .header('x-should-retry', (old) => (old === null ? old : 'true')),
  mutant('trailing-comma', 'errors are not JSON')
    .caughtBy('errors.rows/content-empty', 'errors.keys/no-key-refused')
    .editResponse((response, { body }) =>
      response.ok || JSON.stringify(body) === '{}' ? response : editText(response, (text) => text.replace(/\}$/, ',}')),
    ),
];

const MANY = ['errors.rows/model-not-found', 'errors.rows/content-empty', 'errors.rows/earlier-content-empty'] as const;

/** What becomes of a refusal. */
function refusals(edit: (response: Response) => Response | Promise<Response>): Handler {
  return editResponse((response, { body }) =>
    response.ok || JSON.stringify(body) === '{}' ? response : edit(response),
  );
}

function withText(status: number): Handler {
  return refusals(async (response) => answer(response, await response.text(), status));
}

const ROW_MUTANTS = [
  mutant('with-200', 'errors come with 200')
    .caughtBy(...MANY, 'errors.rows/wrong-field-named', 'errors.route/body-exact')
    .withText(200),
  mutant('with-422', 'requests that are not understood are refused with 422')
    .caughtBy('errors.rows/content-empty wrong-field-named', 'errors.bodies/other-type-refused')
    .refusals(async (response) => (response.status === 400 ? answer(response, await response.text(), 422) : response)),
  mutant('in-html', 'errors come as pages')
    .caughtBy(...MANY)
    .refusals(
      (response) =>
        new Response(`<h1>${response.status}</h1>`, {
          status: response.status,
          headers: { 'Content-Type': 'text/html' },
        }),
    ),
  mutant('openai-envelope', 'errors have a code and a param, as those of OpenAI have')
    .caughtBy('errors.rows/no-code-no-param')
    .editErrors((said) => ({ ...said, param: null, code: null })),
  ...Object.entries(ENVELOPE_PATHS).map(([name, path]) =>
    mutant(`coded-${name}`, `a refusal has a code: ${name}`)
      .caughtBy(`errors.envelope-${name}/no-code-no-param`)
      .editErrors((error, request) => (path.test(request.path) ? { ...error, code: error.type } : error)),
  ),
  mutant('default-model', 'a model that is not there is answered by the one that is')
    .caughtBy('errors.rows/model-not-found')
    .editField('model', () => 'kimi-k2-0905'),
  mutant('model-invalid', 'a model that is not there is an invalid request')
    .caughtBy('errors.rows/model-not-found')
    .editErrors((said) =>
      said.type === 'resource_not_found_error' ? { ...said, type: 'invalid_request_error' } : said,
    ),
  mutant('empty-accepted', 'messages without text are answered')
    .caughtBy('errors.rows/content-empty earlier-content-empty')
    .editMessages((messages) =>
      messages.map((message) => (message.content === '' ? { ...message, content: ' ' } : message)),
    ),
  mutant('last-content-only', 'only the last message needs a text')
    .caughtBy('errors.rows/earlier-content-empty')
    .editMessages((messages) =>
      messages.filter(({ content }, index) => content !== '' || index === messages.length - 1),
    ),
  mutant('content-named', 'the refusal of an empty text names the field')
    .caughtBy('errors.rows/content-empty')
    .editErrorText((message) =>
      message.replace(/^text content is empty$/, 'Invalid request: messages[0].content is empty'),
    ),
  mutant('field-unnamed', 'errors about a field do not name it')
    .caughtBy('errors.rows/wrong-field-named')
    .editErrorText((message) => message.replace(/^(Invalid request: )[\w.[\]]+: /, '$1')),
  mutant('unprefixed', 'errors about a field lack the prefix')
    .caughtBy('errors.rows/wrong-field-named')
    .editErrorText((message) => message.replace(/^Invalid request: (?!Your)/, '')),
  mutant('window-in-other-words', 'what does not fit the window is refused in the words of OpenAI')
    .caughtBy('errors.window/text-exact')
    .editErrorText((message) =>
      message.replace(/.*token limit: (\d+) .*/, "This model's maximum context length is $1 tokens"),
    ),
  mutant('window-without-prefix', 'the refusal of what does not fit lacks its first words')
    .caughtBy('errors.window/text-exact')
    .editErrorText((message) => message.replace('Invalid request: Your', 'Your')),
  mutant('answer-requested', 'the requested tokens leave the prompt out')
    .caughtBy('errors.window/sum-requested')
    .editErrorText((message) =>
      message.replace(/requested: (\d+)/, (_, tokens) => `requested: ${Number(tokens) - 12}`),
    ),
  mutant('plain-not-found', 'a route that does not exist is answered in plain text')
    .caughtBy('errors.route/body-exact request-named other-method')
    .unknownRoutes(() => new Response('404 page not found', { status: 404 })),
  mutant('route-in-envelope', 'a route that does not exist is answered in the envelope of errors')
    .caughtBy('errors.route/body-exact')
    .unknownRoutes(() => json({ error: { message: 'Not found', type: 'resource_not_found_error' } }, 404)),
  mutant('route-of-another', 'the body for an unknown route always names GET and the root')
    .caughtBy('errors.route/request-named')
    .unknownRoutes((body) => json({ ...body, method: 'GET', url: '/v1' }, 404)),
  mutant('method-not-allowed', 'another method on a route that there is is refused with 405')
    .caughtBy('errors.route/other-method')
    .unknownRoutes((body) => json(body, body.method === 'DELETE' ? 405 : 404)),
];

/** Changes the body for unknown routes, but for those that the kit looks for to see what there is. */
function unknownRoutes(edit: (body: Json) => Response): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (response.status !== 404 || request.path.includes('probe')) return response;
    const body = (await response.clone().json()) as Json;
    return body.error === 'url.not_found' ? edit(body) : response;
  };
}

export const ERRORS_MUTANTS: readonly Mutant[] = [...ACCESS_MUTANTS, ...ROW_MUTANTS, ...BODY_MUTANTS];
