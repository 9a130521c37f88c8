import { askedFor, errors, history, mutantsOf, worded } from '../../chats.ts';
import { answers, type Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { answer, type Handler, json } from '../../proxy.ts';

const error = mutantsOf('errors');

const MANY = ['errors.rows/model-not-found', 'errors.rows/content-empty', 'errors.rows/earlier-content-empty'] as const;
/** What becomes of a refusal. */
const refusals = (edit: (response: Response) => Response | Promise<Response>) => (): Handler =>
  answers((response, { body }) => (response.ok || JSON.stringify(body) === '{}' ? response : edit(response)));
const withText = (status: number) => refusals(async (response) => answer(response, await response.text(), status));

export const ROW_MUTANTS: readonly Mutant[] = [
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
