import { asked, askedFor, eventStreams, finished, mutantsOf, onChat, pieceOf, streamed } from '../../chats.ts';
import { answers, choiceOf, events, isEvents, type Json, withChoice, withHeaders } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';

const stream = mutantsOf('stream');

const deltaOf = (chunk: Json): Json => choiceOf(chunk)?.delta ?? {};
const finishes = (chunk: Json) => choiceOf(chunk)?.finish_reason != null;

export const FRAME_MUTANTS: readonly Mutant[] = [
  stream(
    'as-text',
    'a stream is declared as plain text',
    ['stream.answer/event-stream', 'stream.refusal/next-streamed'],
    () =>
      answers((response) => (isEvents(response) ? withHeaders(response, { 'Content-Type': 'text/plain' }) : response)),
  ),
  stream('id-per-chunk', 'each chunk has an id of its own', ['stream.answer/same-answer'], () => {
    let count = 0;
    return streamed((chunk) => [{ ...chunk, id: `${chunk.id}${count++}` }])();
  }),
  stream(
    'object-of-completions',
    'chunks call themselves `chat.completion`',
    ['stream.answer/same-answer'],
    streamed((chunk) => [{ ...chunk, object: 'chat.completion' }]),
  ),
  stream(
    'no-role',
    'no delta gives the role',
    ['stream.answer/role-first'],
    streamed((chunk) => {
      const { role: _, ...delta } = deltaOf(chunk);
      return [choiceOf(chunk) ? withChoice(chunk, { delta }) : chunk];
    }),
  ),
  stream(
    'role-last',
    'the role comes with the finish chunk',
    ['stream.answer/role-first'],
    streamed((chunk) => {
      if (finishes(chunk)) return [withChoice(chunk, { delta: { role: 'assistant' } })];
      return deltaOf(chunk).role ? [] : [chunk];
    }),
  ),
  stream(
    'no-finish-reason',
    'no chunk has a finish_reason',
    [
      'stream.answer/one-finish',
      'stream.answer/nothing-after-finish',
      'stream.length/cut-says-length',
      'stream.calls/says-tool-calls',
    ],
    finished((chunk) => [withChoice(chunk, { finish_reason: null })]),
  ),
  stream(
    'every-chunk-finishes',
    'the last piece of text says the finish_reason too',
    ['stream.answer/one-finish'],
    finished((chunk) => [withChoice(chunk, { delta: { content: '' } }), chunk]),
  ),
  stream(
    'finish-too-soon',
    'the last piece of text follows the finish chunk',
    ['stream.answer/nothing-after-finish'],
    eventStreams((data) => {
      const last = data.findLastIndex((chunk) => pieceOf(chunk) !== undefined);
      return last === -1
        ? data
        : [
            ...data.slice(0, last),
            ...data.slice(last + 1, last + 2),
            ...data.slice(last, last + 1),
            ...data.slice(last + 2),
          ];
    }),
  ),
  stream('no-done', 'a stream ends without `[DONE]`', ['stream.answer/done-last'], () =>
    events((data) => (data === '[DONE]' ? [] : [data])),
  ),
  stream('done-twice', 'a stream says `[DONE]` twice', ['stream.answer/done-last'], () =>
    events((data) => (data === '[DONE]' ? [data, data] : [data])),
  ),
  stream(
    'usage-beside-choices',
    'the usage of the finish chunk stands beside its choices',
    ['stream.answer/usage-in-finish'],
    finished((chunk, usage) => {
      const { usage: _, ...choice } = choiceOf(chunk) ?? {};
      return [{ ...chunk, choices: [choice], usage }];
    }),
  ),
  stream(
    'usage-where-asked',
    'the finish chunk has a usage only where one is asked for',
    ['stream.answer/usage-in-finish', 'stream.answer/usage-sum'],
    onChat(async (body, forward, request) => {
      if (body.stream_options != null) return forward();
      return finished((chunk) => [withChoice(chunk, { usage: undefined })])()(request, () => forward());
    }),
  ),
  stream(
    'total-of-completion',
    'the total of a streamed usage leaves the prompt out',
    ['stream.answer/usage-sum'],
    finished((chunk, usage) => [withChoice(chunk, { usage: { ...usage, total_tokens: usage.completion_tokens } })]),
  ),
  stream(
    'usage-so-far',
    'every chunk has the usage so far',
    ['stream.answer/no-usage-before'],
    streamed((chunk) => [
      finishes(chunk) ? chunk : { ...chunk, usage: { prompt_tokens: 8, completion_tokens: 1, total_tokens: 9 } },
    ]),
  ),
  stream(
    'usage-null',
    'chunks have a usage of null where one is asked for or not',
    ['stream.answer/no-usage-before'],
    streamed((chunk) => [finishes(chunk) ? chunk : { ...chunk, usage: null }]),
  ),
  stream(
    'usage-always',
    'the chunk of usage comes unasked',
    ['stream.answer/no-usage-chunk', 'stream.usage/false-adds-none'],
    asked((body) => (body.stream === true ? { ...body, stream_options: { include_usage: true } } : body)),
  ),
  stream(
    'include-usage-ignored',
    'include_usage does nothing',
    ['stream.usage/chunk-added'],
    askedFor('stream_options', () => undefined),
  ),
  stream(
    'usage-of-last-chunk',
    'the usage asked for is that of the last piece only',
    ['stream.usage/same-usage'],
    streamed((chunk) => {
      const usage = chunk.usage as { prompt_tokens: number } | undefined;
      return [
        usage ? { ...chunk, usage: { ...usage, completion_tokens: 0, total_tokens: usage.prompt_tokens } } : chunk,
      ];
    }),
  ),
];
