import { asked, askedFor, eventStreams, finished, mutantsOf, onChat, piece, pieceOf, streamed } from '../../chats.ts';
import { choiceOf, type Json, withChoice } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { answer } from '../../proxy.ts';

const stream = mutantsOf('stream');

const deltaOf = (chunk: Json): Json => choiceOf(chunk)?.delta ?? {};
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

export const PIECE_MUTANTS: readonly Mutant[] = [
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
