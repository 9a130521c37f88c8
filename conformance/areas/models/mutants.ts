import { editErrorText } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { chain, editJson, type Handler, type Json, on } from '../../proof/proxy.ts';
import { editAnswers } from '../../proof/sessions.ts';

type Entry = Json & { id: string; context_length: number };

/** Changes the list of models. */
const listed = (edit: (list: { data: Entry[] }) => unknown): Handler =>
  editAnswers('GET', '/v1/models', edit as (body: Json) => unknown);

const entries = (edit: (entry: Entry) => Json) => listed(({ data, ...list }) => ({ ...list, data: data.map(edit) }));

/** Changes what is answered of one model. */
const byId = (handle: Handler): Handler => on('GET', '/v1/models/:id', handle);

const mutant = mutantsOf('models', { byId, entries, listed });

export const MODELS_MUTANTS: readonly Mutant[] = [
  mutant('object-of-models', 'the list of models calls itself something else')
    .caughtBy('models.list/shape')
    .listed((list) => ({ ...list, object: 'models' })),
  mutant('by-name', 'models are listed by their name in a map')
    .caughtBy('models.list/shape')
    .listed(({ data, ...list }) => ({ ...list, data: Object.fromEntries(data.map((entry) => [entry.id, entry])) })),
  mutant('other-name', 'the model is listed under another name than it is chatted with')
    .caughtBy('models.list/model-listed')
    .entries((entry) => ({ ...entry, id: `moonshotai/${entry.id}` })),
  mutant('no-context-length', 'the list does not tell context lengths')
    .caughtBy('models.list/lengths-told entry-complete')
    .entries(({ context_length: _, ...entry }) => entry),
  mutant('rounded-window', 'the context length is rounded')
    .caughtBy('models.list/window-told')
    .entries((entry) => ({ ...entry, context_length: Math.floor(entry.context_length / 1_000) * 1_000 })),
  mutant('openai-entry', 'an entry has no more than the members that OpenAI gives it')
    .caughtBy('models.list/entry-complete')
    .entries(({ id, object, created, owned_by, context_length }) => ({
      id,
      object,
      created,
      owned_by,
      context_length,
    })),
  mutant('owned-by-openai', 'the owner of the model is another')
    .caughtBy('models.list/entry-complete')
    .entries((entry) => ({ ...entry, owned_by: 'openai' })),
  mutant('bare-by-id', 'a model that is read by its id has its id only')
    .caughtBy('models.by-id/same-entry')
    .byId(async (_, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, ({ id, object }: Entry) => ({ id, object })) : response;
    }),
  mutant('alias-unlisted', 'a model cannot be read by its short name')
    .caughtBy('models.by-id/alias-answered')
    .byId(({ path }, forward) => forward({ path: path.replace(/0905$/, 'none') })),
  mutant('alias-resolved', 'a model that is read by its alias answers with the full name')
    .caughtBy('models.by-id/alias-answered')
    .editJsonResponse((body) =>
      (body as Json).id === 'kimi-k2-0905' ? { ...(body as Json), id: 'kimi-k2-0905-preview' } : body,
    ),
  mutant('any-model', 'a model that is not there can be read all the same')
    .caughtBy('models.by-id/unknown-refused')
    .byId(({ path }, forward) => forward({ path: path.replace(/kimi-conformance.*/, 'kimi-k2-0905') })),
  mutant('openai-words', 'a model that is not there is refused in the words of OpenAI')
    .caughtBy('models.by-id/unknown-refused', 'errors.rows/model-not-found', 'tokens.estimate/unknown-model-refused')
    .proxy(() =>
      chain(
        editErrorText((message) => message.replace(/^Not found the model (\S+) .*/, 'The model `$1` does not exist')),
      ),
    ),
];
