import { onChat, refuse } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { type Json, json } from '../../proof/proxy.ts';

const ROUTE = '/v1/files';
const FILE = `${ROUTE}/:id`;
const CONTENT = `${FILE}/content`;
const EMPTY_PART = /filename="[^"]*"\r\n\r\n\r\n--/;

const mutant = mutantsOf('files');

function saysReference(body: Json): boolean {
  return JSON.stringify(body).includes('"ms://');
}

export const FILES_MUTANTS: readonly Mutant[] = [
  mutant('no-bytes', 'an uploaded file does not tell its size')
    .caughtBy('files.upload/object-complete')
    .editAnswers('POST', ROUTE, ({ bytes: _, ...file }) => file),
  mutant('renamed', 'an uploaded file has another name')
    .caughtBy('files.upload/object-complete')
    .editAnswers('POST', ROUTE, (file) => ({ ...file, filename: 'upload' })),
  mutant('processing', 'an uploaded file is said to be under way')
    .caughtBy('files.upload/object-complete')
    .editAnswers('POST', ROUTE, (file) => ({ ...file, status: 'processing' })),
  mutant('unlisted', 'uploaded files are not listed')
    .caughtBy('files.upload/listed')
    .editAnswers('GET', ROUTE, (list) => ({ ...list, data: [] })),
  mutant('bare-by-id', 'a file that is read by its id has its id only')
    .caughtBy('files.upload/read-by-id')
    .editAnswers('GET', FILE, ({ id, object }) => ({ id, object })),
  mutant('plain-content', 'the text of a file comes as it is')
    .caughtBy('files.upload/text-as-json')
    .on(
      'GET',
      CONTENT,
      async (_, forward) => new Response(((await (await forward()).json()) as { content: string }).content),
    ),
  mutant('no-content', 'the text of a file is left out')
    .caughtBy('files.upload/text-as-json')
    .editAnswers('GET', CONTENT, (file) => ({ ...file, content: '' })),
  mutant('delete-keeps', 'a deleted file stays')
    .caughtBy('files.upload/deleted-is-gone')
    .on('DELETE', FILE, async ({ ids: [id] }) => json({ id, object: 'file', deleted: true })),
  mutant('any-purpose', 'an unknown purpose is taken for text')
    .caughtBy('files.upload/purpose-refused')
    .on('POST', ROUTE, ({ body }, forward) =>
      forward({ body: String(body).replace('no-such-purpose', 'file-extract') }),
    ),
  mutant('empty-taken', 'a file of no bytes is stored with one')
    .caughtBy('files.upload/empty-refused')
    .on('POST', ROUTE, ({ body }, forward) =>
      EMPTY_PART.test(String(body))
        ? forward({ body: String(body).replace(EMPTY_PART, (part) => part.replace('\r\n\r\n\r\n', '\r\n\r\n \r\n')) })
        : forward(),
    ),
  mutant('references-refused', 'no message may name an uploaded file')
    .caughtBy('files.reference/taken')
    .onChat((body, forward) => (saysReference(body) ? refuse() : forward())),
  mutant('references-dropped', 'uploaded files do not reach the model')
    .caughtBy('files.reference/counted-alike')
    .proxy(() => onChat((body, forward) => forward({ body: withoutReferences(body) }))),
  mutant('unknown-references-dropped', 'a file that is not there is left out')
    .caughtBy('files.reference/unknown-refused')
    .proxy(() =>
      onChat((body, forward) =>
        forward({ body: JSON.stringify(body).includes('file-of-nobody') ? withoutReferences(body) : body }),
      ),
    ),
];

/** With nothing but text in its messages. */
function withoutReferences(body: Json): Json {
  const messages = (Array.isArray(body.messages) ? body.messages : []) as (Json & { content: unknown })[];
  return {
    ...body,
    messages: messages.map((message) =>
      Array.isArray(message.content)
        ? { ...message, content: (message.content as Json[]).filter((part) => !saysReference(part)) }
        : message,
    ),
  };
}
