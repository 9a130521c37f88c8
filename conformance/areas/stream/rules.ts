import { onlyK2, rulesOf } from '../rule.ts';

const { must, should } = rulesOf('kimi-wire');

/** An answer that is streamed. */
export const STREAM_RULES = {
  'stream.events': must('kimi', 'An answer is streamed as `text/event-stream`, one JSON object an event.'),
  'stream.asked': must('kimi', 'An answer is streamed only where `stream` is true.'),
  'stream.chunk': must(
    'kimi',
    'Every chunk is a `chat.completion.chunk` and repeats id, time and model of its answer.',
  ),
  'stream.role-first': must('kimi', 'The first delta that says anything gives the role `assistant`.'),
  'stream.finish': must(
    'kimi',
    'A choice ends with exactly one chunk that has a finish_reason, and nothing follows of it.',
  ),
  'stream.length': must('kimi', 'A streamed answer that was cut ends with `length`.'),
  'stream.finish-usage': must('kimi', 'The usage stands inside the choice of the finish chunk, asked for or not.'),
  'stream.usage-sum': must('kimi', 'In a streamed usage, too, the total is the sum of prompt and completion.'),
  'stream.no-early-usage': must('kimi', 'No chunk before the finish chunk has a `usage`.'),
  'stream.include-usage': must(
    'kimi',
    'With `include_usage` one chunk without choices repeats the usage between finish chunk and end; otherwise there is none.',
  ),
  'stream.done': must('kimi', 'The stream ends with exactly one `[DONE]`.'),
  'stream.text': must('kimi', 'The deltas, joined in their order, are the whole answer.'),
  'stream.characters': must('ours', 'No delta ends inside a character.'),
  'stream.incremental': must('ours', 'A long answer comes in more than one delta.'),
  'stream.fingerprint': onlyK2(should('kimi', 'The finish chunk carries a `system_fingerprint`.')),
  'stream.call-opening': must(
    'kimi',
    'The first delta of a tool call gives its index, id, type and the name of the function.',
  ),
  'stream.call-arguments': must('kimi', 'The arguments of a call, joined in their order, are valid JSON.'),
  'stream.call-finish': must('kimi', 'A streamed answer that calls a tool ends with `tool_calls`.'),
  'stream.refusal': must('ours', 'A request that is refused is answered in plain JSON, streamed or not.'),
} as const;
