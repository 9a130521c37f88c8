import { asked, askedFor, choices, mutantsOf, onChat } from '../../chats.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import type { Handler } from '../../proxy.ts';

const chat = mutantsOf('chat');

/** Without a field, as if the server did not know it. */
const ignoring = (...fields: string[]) =>
  asked((body) => Object.fromEntries(Object.entries(body).filter(([name]) => !fields.includes(name))));
const stops = (edit: (stop: string | string[]) => unknown) => askedFor('stop', edit);
const listed = (edit: (stop: string[]) => unknown) => stops((stop) => (Array.isArray(stop) ? edit(stop) : stop));

const RANGES: [field: string, owner: string, least: number, most: number][] = [
  ['temperature', 'chat.temperature', 0, 1],
  ['top_p', 'chat.top-p', 0, 1],
  ['presence_penalty', 'chat.presence-penalty', -2, 2],
  ['frequency_penalty', 'chat.frequency-penalty', -2, 2],
];

function ofRange([field, owner, least, most]: (typeof RANGES)[number]): Mutant[] {
  const changed = (edit: (value: number) => number): (() => Handler) =>
    askedFor(field, (value: unknown) => (typeof value === 'number' ? edit(value) : value));
  return [
    chat(
      `${field}-upper-open`,
      `${field} beyond its most is accepted`,
      [`${owner}/more-refused`],
      changed((value) => Math.min(value, most)),
    ),
    chat(
      `${field}-lower-open`,
      `${field} below its least is accepted`,
      [`${owner}/less-refused`],
      changed((value) => Math.max(value, least)),
    ),
    chat(
      `${field}-exclusive`,
      `the bounds of ${field} are refused`,
      [`${owner}/bounds-accepted`],
      changed((value) => (value === most ? most + 1 : value)),
    ),
  ];
}

export const PARAMETER_MUTANTS: readonly Mutant[] = [
  ...RANGES.flatMap(ofRange),
  chat(
    'unbounded',
    'the answer is bounded by nothing that is asked for',
    ['chat.length/max-tokens-bounds', 'chat.length/max-completion-tokens-bounds', 'chat.length/cut-says-length'],
    ignoring('max_tokens', 'max_completion_tokens'),
  ),
  chat(
    'old-name-only',
    'max_completion_tokens is not known',
    ['chat.length/max-completion-tokens-bounds'],
    ignoring('max_completion_tokens'),
  ),
  chat('new-name-only', 'max_tokens is not known', ['chat.length/max-tokens-bounds'], ignoring('max_tokens')),
  chat(
    'one-token-more',
    'an answer takes one token more than it may',
    ['chat.length/max-tokens-bounds', 'chat.length/max-completion-tokens-bounds', 'chat.window/exact-accepted'],
    asked((body) => more(body, 1)),
  ),
  chat(
    'cut-says-stop',
    'an answer that was cut says that it stopped',
    ['chat.length/cut-says-length'],
    choices((choice) => ({ ...choice, finish_reason: 'stop' })),
  ),
  chat(
    'bounded-says-length',
    'every answer that is bounded says that it was cut',
    ['chat.length/whole-says-stop'],
    choices((choice) => ({ ...choice, finish_reason: 'length' })),
  ),
  chat(
    'window-plus-one',
    'one token more than the window is accepted',
    ['chat.window/one-more-refused'],
    asked((body) => more(body, -1)),
  ),
  chat(
    'answer-cut-to-fit',
    'what does not fit the window makes the answer shorter instead',
    ['chat.window/one-more-refused'],
    onChat(async (body, forward) => {
      const response = await forward();
      const message = response.status === 400 ? await response.clone().text() : '';
      return message.includes('exceeded model token limit') ? forward({ body: { ...body, max_tokens: 16 } }) : response;
    }),
  ),
  chat('stop-ignored', 'stop strings do nothing', ['chat.stop/string-ends', 'chat.stop/list-ends'], ignoring('stop')),
  chat(
    'first-stop-only',
    'only the first stop string counts',
    ['chat.stop/list-ends'],
    listed((stop) => stop.slice(0, 1)),
  ),
  chat(
    'stop-delivered',
    'the stop string is part of the answer',
    ['chat.stop/string-ends', 'chat.stop/list-ends'],
    choices((choice, { stop }) =>
      stop ? { ...choice, message: { ...choice.message, content: `${choice.message.content}HALT` } } : choice,
    ),
  ),
  chat(
    'stop-says-length',
    'an answer that a string has stopped says that it was cut',
    ['chat.stop/string-ends'],
    choices((choice, { stop }) => (stop ? { ...choice, finish_reason: 'length' } : choice)),
  ),
  chat(
    'four-stops',
    'a fifth stop string is refused',
    ['chat.stop-limits/most-accepted'],
    listed((stop) => (stop.length > 4 ? [...stop, 'more'] : stop)),
  ),
  chat(
    'stops-cut',
    'stop strings beyond the fifth are ignored',
    ['chat.stop-limits/one-more-refused'],
    listed((stop) => stop.slice(0, 5)),
  ),
  chat(
    'stop-cut',
    'a stop string that is too long is cut',
    ['chat.stop-limits/longer-refused'],
    listed((stop) => stop.map((text) => text.slice(0, 32))),
  ),
  chat(
    'stop-in-characters',
    'stop strings are measured in characters',
    ['chat.stop-limits/bytes-counted'],
    stops((stop) => (typeof stop === 'string' && stop.length <= 32 ? stop.slice(0, 10) : stop)),
  ),
  chat(
    'four-choices',
    'a fifth choice is refused',
    ['chat.n/most-accepted'],
    askedFor('n', (n: number) => (n === 5 ? 6 : n)),
  ),
  chat(
    'choices-cut',
    'more than five choices are answered with five',
    ['chat.n/one-more-refused'],
    askedFor('n', (n: number) => Math.min(n, 5)),
  ),
  chat(
    'no-choice-is-one',
    'no choice at all is answered with one',
    ['chat.n/none-refused'],
    askedFor('n', (n: number) => Math.max(n, 1)),
  ),
  chat(
    'choices-alike',
    'several choices are made at temperature 0',
    ['chat.n/near-zero-refused'],
    askedFor('temperature', (temperature: number, { n }) => (n === 2 ? 0.6 : temperature)),
  ),
  chat(
    'zero-refused',
    'temperature 0 is refused for a single choice too',
    ['chat.n/near-zero-single-accepted'],
    askedFor('temperature', (temperature: number, { n }) => (n === 1 ? -1 : temperature)),
  ),
];

function more(body: Json, tokens: number): Json {
  const name = body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens';
  return typeof body[name] === 'number' ? { ...body, [name]: body[name] + tokens } : body;
}
