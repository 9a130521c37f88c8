import { onlyK2, rulesOf } from '../rule.ts';

const { kimi, ours } = rulesOf('kimi-wire');

/** Streamed answers. */
export const STREAM_RULES = {
  'stream.events': kimi('An answer is streamed as `text/event-stream` with one JSON object per event.'),
  'stream.asked': kimi('An answer is streamed only if `stream` is true.'),
  'stream.chunk': kimi('Every chunk is a `chat.completion.chunk` with the id, created and model of its answer.'),
  'stream.role-first': kimi('The first delta with content has the role `assistant`.'),
  'stream.finish': kimi(
    'A choice ends with exactly one chunk that has a finish_reason, and none of its chunks follow.',
  ),
  'stream.length': kimi('A streamed answer that was cut ends with `length`.'),
  'stream.finish-usage': kimi('The usage is in the choice of the finish chunk, whether requested or not.'),
  'stream.usage-sum': kimi('In a streamed usage total_tokens is also prompt_tokens plus completion_tokens.'),
  'stream.no-early-usage': kimi('No chunk before the finish chunk has a `usage`.'),
  'stream.include-usage': kimi(
    'With `include_usage` one chunk without choices repeats the usage after the finish chunk; otherwise none does.',
  ),
  'stream.done': kimi('The stream ends with exactly one `[DONE]`.'),
  'stream.text': kimi('The joined deltas are the whole answer.'),
  'stream.characters': ours('No delta ends inside a character.'),
  'stream.incremental': ours('A long answer arrives in more than one delta.'),
  'stream.fingerprint': onlyK2(kimi.should('The finish chunk has a `system_fingerprint`.')),
  'stream.call-opening': kimi('The first delta of a tool call has its index, id, type and function name.'),
  'stream.call-arguments': kimi('The joined argument deltas of a call are valid JSON.'),
  'stream.call-finish': kimi('A streamed answer with a tool call ends with `tool_calls`.'),
  'stream.choices': onlyK2(
    ours('Each of several choices has its own deltas, the role first, its whole answer, and one finish chunk.'),
  ),
  'stream.choices-usage': onlyK2(
    ours(
      'Each of several choices has its usage on its finish chunk; `include_usage` counts the prompt once and every answer.',
    ),
  ),
  'stream.obeys': kimi(
    'A streamed answer obeys `response_format`, `tool_choice` and `stop` as one that is not streamed.',
  ),
  'stream.refusal': ours('A refused request is answered in JSON, not as a stream.'),
} as const;
