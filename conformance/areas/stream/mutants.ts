import { editChunks, editEvents, editFinishChunk, piece, pieceOf } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Handler } from '../../proof/proxy.ts';
import {
  answer,
  choiceOf,
  editEachEvent,
  isEvents,
  type Json,
  objectIn,
  withChoice,
  withHeaders,
} from '../../proof/proxy.ts';

const mutant = mutantsOf('stream', { calls, editEachEvent, texts });

const deltaOf = (chunk: Json): Json => choiceOf(chunk)?.delta ?? {};

const finishes = (chunk: Json) => choiceOf(chunk)?.finish_reason != null;

const FRAME_MUTANTS = [
  mutant('as-text', 'a stream is declared as plain text')
    .caughtBy('stream.answer/event-stream', 'stream.refusal/next-streamed')
    .editResponse((response) =>
      isEvents(response) ? withHeaders(response, { 'Content-Type': 'text/plain' }) : response,
    ),
  mutant('id-per-chunk', 'each chunk has an id of its own')
    .caughtBy('stream.answer/same-answer')
    .proxy(() => {
      let count = 0;
      return editChunks((chunk) => [{ ...chunk, id: `${chunk.id}${count++}` }]);
    }),
  mutant('object-of-completions', 'chunks call themselves `chat.completion`')
    .caughtBy('stream.answer/same-answer')
    .editChunks((chunk) => [{ ...chunk, object: 'chat.completion' }]),
  mutant('no-role', 'no delta gives the role')
    .caughtBy('stream.answer/role-first')
    .editChunks((chunk) => {
      const { role: _, ...delta } = deltaOf(chunk);
      return [choiceOf(chunk) ? withChoice(chunk, { delta }) : chunk];
    }),
  mutant('role-last', 'the role comes with the finish chunk')
    .caughtBy('stream.answer/role-first')
    .editChunks((chunk) => {
      if (finishes(chunk)) return [withChoice(chunk, { delta: { role: 'assistant' } })];
      return deltaOf(chunk).role ? [] : [chunk];
    }),
  mutant('no-finish-reason', 'no chunk has a finish_reason')
    .caughtBy(
      'stream.answer/one-finish nothing-after-finish',
      'stream.length/cut-says-length',
      'stream.calls/says-tool-calls',
    )
    .editFinishChunk((chunk) => [withChoice(chunk, { finish_reason: null })]),
  mutant('every-chunk-finishes', 'the last piece of text says the finish_reason too')
    .caughtBy('stream.answer/one-finish')
    .editFinishChunk((chunk) => [withChoice(chunk, { delta: { content: '' } }), chunk]),
  mutant('finish-too-soon', 'the last piece of text follows the finish chunk')
    .caughtBy('stream.answer/nothing-after-finish')
    .editEvents((data) => {
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
  mutant('no-done', 'a stream ends without `[DONE]`')
    .caughtBy('stream.answer/done-last')
    .editEachEvent((data) => (data === '[DONE]' ? [] : [data])),
  mutant('done-twice', 'a stream says `[DONE]` twice')
    .caughtBy('stream.answer/done-last')
    .editEachEvent((data) => (data === '[DONE]' ? [data, data] : [data])),
  mutant('usage-beside-choices', 'the usage of the finish chunk stands beside its choices')
    .caughtBy('stream.answer/usage-in-finish')
    .editFinishChunk((chunk, usage) => {
      const { usage: _, ...choice } = choiceOf(chunk) ?? {};
      return [{ ...chunk, choices: [choice], usage }];
    }),
  mutant('usage-where-asked', 'the finish chunk has a usage only where one is asked for')
    .caughtBy('stream.answer/usage-in-finish usage-sum')
    .onChat(async (body, forward, request) => {
      if (body.stream_options != null) return forward();
      return editFinishChunk((chunk) => [withChoice(chunk, { usage: undefined })])(request, () => forward());
    }),
  mutant('total-of-completion', 'the total of a streamed usage leaves the prompt out')
    .caughtBy('stream.answer/usage-sum')
    .editFinishChunk((chunk, usage) => [
      withChoice(chunk, { usage: { ...usage, total_tokens: usage.completion_tokens } }),
    ]),
  mutant('usage-so-far', 'every chunk has the usage so far')
    .caughtBy('stream.answer/no-usage-before')
    .editChunks((chunk) => [
      finishes(chunk) ? chunk : { ...chunk, usage: { prompt_tokens: 8, completion_tokens: 1, total_tokens: 9 } },
    ]),
  mutant('usage-null', 'chunks have a usage of null where one is asked for or not')
    .caughtBy('stream.answer/no-usage-before')
    .editChunks((chunk) => [finishes(chunk) ? chunk : { ...chunk, usage: null }]),
  mutant('usage-always', 'the chunk of usage comes unasked')
    .caughtBy('stream.answer/no-usage-chunk', 'stream.usage/false-adds-none')
    .editRequest((body) => (body.stream === true ? { ...body, stream_options: { include_usage: true } } : body)),
  mutant('include-usage-ignored', 'include_usage does nothing')
    .caughtBy('stream.usage/chunk-added')
    .editField('stream_options', () => undefined),
  mutant('usage-of-last-chunk', 'the usage asked for is that of the last piece only')
    .caughtBy('stream.usage/same-usage')
    .editChunks((chunk) => {
      const usage = chunk.usage as { prompt_tokens: number } | undefined;
      return [
        usage ? { ...chunk, usage: { ...usage, completion_tokens: 0, total_tokens: usage.prompt_tokens } } : chunk,
      ];
    }),
];

/** Changes the pieces of text, which then stand where the first of them stood. */
function texts(edit: (pieces: string[]) => string[]): Handler {
  return editEvents((data, heading) => {
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
}

/** Changes the deltas of calls. */
function calls(edit: (call: Json & { function: Json }) => Json[]): Handler {
  return editChunks((chunk) => {
    const { tool_calls, ...delta } = deltaOf(chunk);
    if (!Array.isArray(tool_calls)) return [chunk];
    return [withChoice(chunk, { delta: { ...delta, tool_calls: tool_calls.flatMap(edit) }, finish_reason: null })];
  });
}

const PIECE_MUTANTS = [
  mutant('reordered', 'two pieces of text change places')
    .caughtBy('stream.answer/whole-in-order')
    .texts(([first = '', second = '', ...rest]) => [second, first, ...rest]),
  mutant('piece-lost', 'a piece of text is lost')
    .caughtBy('stream.answer/whole-in-order')
    .texts((pieces) => pieces.filter((_, index) => index !== 1)),
  mutant('piece-twice', 'a piece of text comes twice')
    .caughtBy('stream.answer/whole-in-order')
    .texts((pieces) => pieces.flatMap((text, index) => (index === 1 ? [text, text] : [text]))),
  mutant('broken-characters', 'pieces are cut inside characters')
    .caughtBy('stream.answer/whole-characters')
    .texts((pieces) => pieces.join('').split('')),
  mutant('bytes-decoded-apart', 'each piece is decoded by itself, and what a character lacks is replaced')
    .caughtBy('stream.answer/whole-characters whole-in-order')
    .texts((pieces) => pieces.map((text) => text.replace(/\p{So}/u, '\ufffd\ufffd'))),
  mutant('one-chunk', 'the whole text comes in one piece at the end')
    .caughtBy('stream.answer/several-deltas')
    .texts((pieces) => [pieces.join('')]),
  mutant('cut-says-stop', 'a stream that was cut says that it stopped')
    .caughtBy('stream.length/cut-says-length')
    .editFinishChunk((chunk) => [withChoice(chunk, { finish_reason: 'stop' })]),
  mutant('unbounded', 'what is streamed is not bounded')
    .caughtBy('stream.length/bounded cut-says-length')
    .editRequest((body) => (body.stream === true ? { ...body, max_tokens: 512 } : body)),
  mutant('false-streams', 'an answer is streamed where `stream` is given, be it false')
    .caughtBy('stream.asked/false-is-whole')
    .editField('stream', () => true),
  mutant('always-streams', 'every answer is streamed')
    .caughtBy('stream.asked/absent-is-whole false-is-whole')
    .editRequest((body) => (body.messages ? { ...body, stream: true } : body)),
  mutant('never-streams', 'no answer is streamed')
    .caughtBy('stream.asked/true-is-streamed')
    .editField('stream', () => false),
  mutant('call-unnamed', 'the function of a streamed call is named with its last delta')
    .caughtBy('stream.calls/opening-first')
    .calls((call) => {
      const { name: _, ...rest } = call.function;
      return [{ ...call, function: rest }];
    }),
  mutant('call-without-id', 'a streamed call has no id')
    .caughtBy('stream.calls/opening-first')
    .calls(({ id: _, ...call }) => [call]),
  mutant('call-without-index', 'the deltas of a call have no index')
    .caughtBy('stream.calls/opening-first arguments-join')
    .calls(({ index: _, ...call }) => [call]),
  mutant('arguments-cut', 'the end of the arguments is lost')
    .caughtBy('stream.calls/arguments-join')
    .calls((call) => [
      { ...call, function: { ...call.function, arguments: String(call.function.arguments).slice(0, -1) } },
    ]),
  mutant('call-says-stop', 'a streamed answer that calls says that it stopped')
    .caughtBy('stream.calls/says-tool-calls')
    .editFinishChunk((chunk) => [
      withChoice(chunk, {
        finish_reason: choiceOf(chunk)?.finish_reason === 'tool_calls' ? 'stop' : choiceOf(chunk)?.finish_reason,
      }),
    ]),
  mutant('refused-in-stream', 'a refusal comes as an event of a stream')
    .caughtBy('stream.refusal/plain-json')
    .onChat(async (body, forward) => {
      const response = await forward();
      if (response.ok || body.stream !== true) return response;
      const said = answer(response, `data: ${await response.text()}\n\n`, 200);
      said.headers.set('Content-Type', 'text/event-stream');
      return said;
    }),
];

/** The same servers, broken in sessions alone. */
const TURN_MUTANTS = [...FRAME_MUTANTS, ...PIECE_MUTANTS].flatMap((broken): Mutant[] => {
  const { id, caughtBy, proxy } = broken;
  const checks = caughtBy
    .filter((check) => /^stream\.(?:answer|calls)\//.test(check))
    .map((check) => check.replace('stream.', 'turn.streamed-'));
  if (!proxy || checks.length === 0) return [];
  return [
    {
      ...broken,
      id: `${id}-in-turns`,
      broken: `${broken.broken}, in sessions alone`,
      caughtBy: checks,
      proxy: () => {
        const breaks = proxy();
        return (request, forward) =>
          objectIn(request).session_id === undefined ? forward() : breaks(request, forward);
      },
    },
  ];
});

export const STREAM_MUTANTS: readonly Mutant[] = [...FRAME_MUTANTS, ...PIECE_MUTANTS, ...TURN_MUTANTS];
