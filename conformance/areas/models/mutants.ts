import { mutantsOf, worded } from '../../proof/chats.ts';
import { type Json, jsonAnswers } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { chain, editJson, type Handler, on } from '../../proof/proxy.ts';

const models = mutantsOf('models');

type Entry = Json & { id: string; context_length: number };

/** Changes the list of models. */
const listed = (edit: (list: { data: Entry[] }) => unknown) => (): Handler =>
  on('GET', '/v1/models', async (_, forward) => {
    const response = await forward();
    return response.ok ? editJson(response, edit) : response;
  });

const entries = (edit: (entry: Entry) => Json) => listed(({ data, ...list }) => ({ ...list, data: data.map(edit) }));

/** Changes what is answered of one model. */
const byId = (handle: Handler) => (): Handler => on('GET', '/v1/models/:id', handle);

export const MODELS_MUTANTS: readonly Mutant[] = [
  models(
    'object-of-models',
    'the list of models calls itself something else',
    ['models.list/shape'],
    listed((list) => ({ ...list, object: 'models' })),
  ),
  models(
    'by-name',
    'models are listed by their name in a map',
    ['models.list/shape'],
    listed(({ data, ...list }) => ({ ...list, data: Object.fromEntries(data.map((entry) => [entry.id, entry])) })),
  ),
  models(
    'other-name',
    'the model is listed under another name than it is chatted with',
    ['models.list/model-listed'],
    entries((entry) => ({ ...entry, id: `moonshotai/${entry.id}` })),
  ),
  models(
    'no-context-length',
    'the list does not tell context lengths',
    ['models.list/lengths-told', 'models.list/entry-complete'],
    entries(({ context_length: _, ...entry }) => entry),
  ),
  models(
    'rounded-window',
    'the context length is rounded',
    ['models.list/window-told'],
    entries((entry) => ({ ...entry, context_length: Math.floor(entry.context_length / 1_000) * 1_000 })),
  ),
  models(
    'openai-entry',
    'an entry has no more than the members that OpenAI gives it',
    ['models.list/entry-complete'],
    entries(({ id, object, created, owned_by, context_length }) => ({ id, object, created, owned_by, context_length })),
  ),
  models(
    'owned-by-openai',
    'the owner of the model is another',
    ['models.list/entry-complete'],
    entries((entry) => ({ ...entry, owned_by: 'openai' })),
  ),
  models(
    'bare-by-id',
    'a model that is read by its id has its id only',
    ['models.by-id/same-entry'],
    byId(async (_, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, ({ id, object }: Entry) => ({ id, object })) : response;
    }),
  ),
  models(
    'alias-unlisted',
    'a model cannot be read by its short name',
    ['models.by-id/alias-answered'],
    byId(({ path }, forward) => forward({ path: path.replace(/0905$/, 'none') })),
  ),
  models(
    'alias-resolved',
    'a model that is read by its short name tells the long one',
    ['models.by-id/alias-answered'],
    () =>
      jsonAnswers((body) =>
        (body as Json).id === 'kimi-k2-0905' ? { ...(body as Json), id: 'kimi-k2-0905-preview' } : body,
      ),
  ),
  models(
    'any-model',
    'a model that is not there can be read all the same',
    ['models.by-id/unknown-refused'],
    byId(({ path }, forward) => forward({ path: path.replace(/kimi-conformance.*/, 'kimi-k2-0905') })),
  ),
  models(
    'openai-words',
    'a model that is not there is refused in the words of OpenAI',
    ['models.by-id/unknown-refused', 'errors.rows/model-not-found', 'tokens.estimate/unknown-model-refused'],
    () =>
      chain(worded((message) => message.replace(/^Not found the model (\S+) .*/, 'The model `$1` does not exist'))()),
  ),
];
