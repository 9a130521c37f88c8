import {
  asked,
  askedFor,
  eventStreams,
  finished,
  mutantsOf,
  onChat,
  piece,
  pieceOf,
  streamed,
} from '../../proof/chats.ts';
import { answers, choiceOf, events, isEvents, type Json, withChoice, withHeaders } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { answer } from '../../proof/proxy.ts';

const stream = mutantsOf('stream');

const deltaOf = (chunk: Json): Json => choiceOf(chunk)?.delta ?? {};

const finishes = (chunk: Json) => choiceOf(chunk)?.finish_reason != null;

const FRAME_MUTANTS: readonly Mutant[] = [
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

/** Changes the pieces of text, which then stand where the first of them stood. */
const texts = (edit: (pieces: string[]) => string[]) =>
  eventStreams((data, heading) => {
    const first = data.findIndex((chunk) => pieceOf(chunk) !== undefined);
    if (first === -1) return data;
    const pieces = edit(data.flatMap((chunk) => pieceOf(chunk) ?? []));
    const others = (chunk: Json) => pieceOf(chunk) === undefined;
    return [
      ...data.slice(0, first).filter(others),
      ...pieces.map((text) => piece(heading, text)),
      ...data.slice(first).filter(others),
    ];
  });

/** Changes the deltas of calls. */
const calls = (edit: (call: Json & { function: Json }) => Json[]) =>
  streamed((chunk) => {
    const { tool_calls, ...delta } = deltaOf(chunk);
    if (!Array.isArray(tool_calls)) return [chunk];
    return [withChoice(chunk, { delta: { ...delta, tool_calls: tool_calls.flatMap(edit) }, finish_reason: null })];
  });

const PIECE_MUTANTS: readonly Mutant[] = [
  stream(
    'reordered',
    'two pieces of text change places',
    ['stream.answer/whole-in-order'],
    texts(([first = '', second = '', ...rest]) => [second, first, ...rest]),
  ),
  stream(
    'piece-lost',
    'a piece of text is lost',
    ['stream.answer/whole-in-order'],
    texts((pieces) => pieces.filter((_, index) => index !== 1)),
  ),
  stream(
    'piece-twice',
    'a piece of text comes twice',
    ['stream.answer/whole-in-order'],
    texts((pieces) => pieces.flatMap((text, index) => (index === 1 ? [text, text] : [text]))),
  ),
  stream(
    'broken-characters',
    'pieces are cut inside characters',
    ['stream.answer/whole-characters'],
    texts((pieces) => pieces.join('').split('')),
  ),
  stream(
    'bytes-decoded-apart',
    'each piece is decoded by itself, and what a character lacks is replaced',
    ['stream.answer/whole-characters', 'stream.answer/whole-in-order'],
    texts((pieces) => pieces.map((text) => text.replace(/\p{So}/u, '\ufffd\ufffd'))),
  ),
  stream(
    'one-chunk',
    'the whole text comes in one piece at the end',
    ['stream.answer/several-deltas'],
    texts((pieces) => [pieces.join('')]),
  ),
  stream(
    'cut-says-stop',
    'a stream that was cut says that it stopped',
    ['stream.length/cut-says-length'],
    finished((chunk) => [withChoice(chunk, { finish_reason: 'stop' })]),
  ),
  stream(
    'unbounded',
    'what is streamed is not bounded',
    ['stream.length/bounded', 'stream.length/cut-says-length'],
    asked((body) => (body.stream === true ? { ...body, max_tokens: 512 } : body)),
  ),
  stream(
    'false-streams',
    'an answer is streamed where `stream` is given, be it false',
    ['stream.asked/false-is-whole'],
    askedFor('stream', () => true),
  ),
  stream(
    'always-streams',
    'every answer is streamed',
    ['stream.asked/absent-is-whole', 'stream.asked/false-is-whole'],
    asked((body) => (body.messages ? { ...body, stream: true } : body)),
  ),
  stream(
    'never-streams',
    'no answer is streamed',
    ['stream.asked/true-is-streamed'],
    askedFor('stream', () => false),
  ),
  stream(
    'call-unnamed',
    'the function of a streamed call is named with its last delta',
    ['stream.calls/opening-first'],
    calls((call) => {
      const { name: _, ...rest } = call.function;
      return [{ ...call, function: rest }];
    }),
  ),
  stream(
    'call-without-id',
    'a streamed call has no id',
    ['stream.calls/opening-first'],
    calls(({ id: _, ...call }) => [call]),
  ),
  stream(
    'call-without-index',
    'the deltas of a call have no index',
    ['stream.calls/opening-first', 'stream.calls/arguments-join'],
    calls(({ index: _, ...call }) => [call]),
  ),
  stream(
    'arguments-cut',
    'the end of the arguments is lost',
    ['stream.calls/arguments-join'],
    calls((call) => [
      { ...call, function: { ...call.function, arguments: String(call.function.arguments).slice(0, -1) } },
    ]),
  ),
  stream(
    'call-says-stop',
    'a streamed answer that calls says that it stopped',
    ['stream.calls/says-tool-calls'],
    finished((chunk) => [
      withChoice(chunk, {
        finish_reason: choiceOf(chunk)?.finish_reason === 'tool_calls' ? 'stop' : choiceOf(chunk)?.finish_reason,
      }),
    ]),
  ),
  stream(
    'refused-in-stream',
    'a refusal comes as an event of a stream',
    ['stream.refusal/plain-json'],
    onChat(async (body, forward) => {
      const response = await forward();
      if (response.ok || body.stream !== true) return response;
      const said = answer(response, `data: ${await response.text()}\n\n`, 200);
      said.headers.set('Content-Type', 'text/event-stream');
      return said;
    }),
  ),
];

export const STREAM_MUTANTS: readonly Mutant[] = [...FRAME_MUTANTS, ...PIECE_MUTANTS];
