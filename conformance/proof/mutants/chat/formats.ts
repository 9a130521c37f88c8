import { askedFor, choices, history, type Message, mutantsOf, onChat, refuses } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';

const chat = mutantsOf('chat');

interface Format {
  type: string;
}
const formats = (edit: (format: Format) => Format | undefined) => askedFor('response_format', edit);
const plain = ({ partial: _, ...message }: Message): Message => message as Message;
const begun = (messages: unknown): Message | undefined =>
  Array.isArray(messages) ? messages.find(({ partial }: Message) => partial === true) : undefined;

export const FORMAT_MUTANTS: readonly Mutant[] = [
  chat(
    'partial-ignored',
    'a partial message is a message like any other',
    ['chat.partial/continuation-only', 'chat.partial/after-length'],
    history((messages) => messages.map(plain)),
  ),
  chat(
    'partial-repeated',
    'a continuation begins with what it continues',
    ['chat.partial/continuation-only'],
    choices((choice, { messages }) => ({
      ...choice,
      message: { ...choice.message, content: `${begun(messages)?.content ?? ''}${choice.message.content}` },
    })),
  ),
  chat(
    'partial-trimmed',
    'a continuation loses its first character',
    ['chat.partial/after-length'],
    choices((choice, { messages }) =>
      begun(messages)
        ? { ...choice, message: { ...choice.message, content: choice.message.content.slice(1) } }
        : choice,
    ),
  ),
  chat(
    'partial-unnamed',
    'a partial message must not have a name',
    ['chat.partial/name-accepted'],
    onChat((body, forward) => (begun(body.messages)?.name === undefined ? forward() : refuses())),
  ),
  chat(
    'partial-anywhere',
    'partial is ignored before the last message',
    ['chat.partial/elsewhere-refused'],
    history((messages) => messages.map((message, index) => (index < messages.length - 1 ? plain(message) : message))),
  ),
  chat(
    'format-ignored',
    'response formats do nothing',
    ['chat.json/object-valid', 'chat.json/schema-fitted'],
    formats(({ type }) => (type.startsWith('json') ? { type: 'text' } : { type })),
  ),
  chat(
    'json-fenced',
    'JSON comes in a code block',
    ['chat.json/object-valid', 'chat.json/schema-fitted'],
    choices((choice, { response_format }) =>
      response_format
        ? { ...choice, message: { ...choice.message, content: `\`\`\`json\n${choice.message.content}\n\`\`\`` } }
        : choice,
    ),
  ),
  chat(
    'any-object',
    'a schema is taken for any object',
    ['chat.json/schema-fitted'],
    formats((format) => (format.type === 'json_schema' ? { type: 'json_object' } : format)),
  ),
  chat(
    'any-format',
    'a response format that does not exist is taken for text',
    ['chat.json/unknown-refused'],
    formats((format) => (format.type === 'yaml' ? { type: 'text' } : format)),
  ),
  chat(
    'text-refused',
    'the response format that is the default cannot be asked for',
    ['chat.json/text-accepted'],
    formats((format) => (format.type === 'text' ? { type: 'plain' } : format)),
  ),
];
