import { errors, mutantsOf, refuses } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';
import { answer, editJson, type Handler, json, type Passing } from '../../proxy.ts';
import { refusal } from '../../rewrites.ts';

const error = mutantsOf('errors');

const KEY = /^Bearer +\S+ *$/i;
const hasKey = ({ headers }: Passing) => KEY.test(headers.authorization ?? '');
/** What is done with a request that has no key; whatever has one passes. */
const without = (handle: Handler) => (): Handler => (request, forward) =>
  hasKey(request) ? forward() : handle(request, forward);
const KEYS = ['sk-conformance-a', 'sk-conformance-b'];
const asAnybody = { authorization: 'Bearer sk-anybody' };

export const ACCESS_MUTANTS: readonly Mutant[] = [
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
