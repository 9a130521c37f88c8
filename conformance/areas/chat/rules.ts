import { onlyK2, rulesOf } from '../rule.ts';

const { must, may, shownBy } = rulesOf('kimi-wire');

/** An answer that is not streamed, and the parameters that steer it. */
export const CHAT_RULES = {
  'chat.completion': must(
    'kimi',
    'An answer is one JSON object `chat.completion` with an id, the time, the model, its choices and the usage.',
  ),
  'chat.created': must('kimi', '`created` is the time in whole Unix seconds.'),
  'chat.choice': must(
    'kimi',
    'A choice has its index, a message of the assistant with its content as a string, and `stop`, `length` or `tool_calls` as finish_reason.',
  ),
  'chat.id-form': onlyK2(may('kimi', 'The id of an answer is `chatcmpl-` and 24 hexadecimal digits.')),
  'chat.usage': must('kimi', '`total_tokens` is the sum of `prompt_tokens` and `completion_tokens`.'),
  'chat.cached-tokens': must(
    'kimi',
    '`cached_tokens` is absent where nothing was cached, and never zero or more than the prompt.',
  ),
  'chat.prompt-cache-key': must('kimi', 'A `prompt_cache_key` may be given.'),
  'chat.model-echo': must('ours', 'An answer names the model as the request did.'),
  'chat.model-alias': must('article', '`kimi-k2-0905` is another name of `kimi-k2-0905-preview`.'),
  'chat.history': must('kimi', 'The model reads every message of the request.'),
  'chat.stateless': must('kimi', 'Without a session the model knows nothing of earlier requests.'),
  'chat.messages-needed': must('ours', 'Without a session a request needs a message.'),
  'chat.roles': must('ours', 'A message of a role that does not exist is refused.'),
  'chat.max-tokens': must(
    'kimi',
    '`max_completion_tokens`, or by its older name `max_tokens`, bounds the tokens of the answer.',
  ),
  'chat.length': must('kimi', 'An answer that was cut ends with `length`, one that came to its end with `stop`.'),
  'chat.default-max-tokens': shownBy(
    'test/chat/settings.test.ts',
    'kimi',
    'Where no number is given, an answer takes at most 1,024 tokens.',
  ),
  'chat.window': must('kimi', 'Prompt and maximal answer may fill the window to its last token.'),
  'chat.stop': must('kimi', 'A stop string, alone or in a list, ends the answer before it.'),
  'chat.stop-limits': must('kimi', 'There are at most 5 stop strings, of at most 32 bytes each.'),
  'chat.temperature': onlyK2(must('kimi', '`temperature` is 0 to 1.')),
  'chat.default-temperature': shownBy(
    'test/chat/settings.test.ts',
    'kimi',
    'Where no temperature is given, it is 0.6.',
  ),
  'chat.top-p': onlyK2(must('kimi', '`top_p` is 0 to 1.')),
  'chat.presence-penalty': onlyK2(must('kimi', '`presence_penalty` is -2 to 2.')),
  'chat.frequency-penalty': onlyK2(must('kimi', '`frequency_penalty` is -2 to 2.')),
  'chat.n': onlyK2(must('kimi', '`n` asks for 1 to 5 choices, numbered from 0.')),
  'chat.n-near-zero': onlyK2(must('kimi', 'More than one choice is refused where the temperature is near 0.')),
  'chat.n-usage': onlyK2(must('ours', 'Of several choices the usage counts the prompt once and every answer.')),
  'chat.partial': must('kimi', 'To a last message with `partial: true` the answer is its continuation only.'),
  'chat.partial-name': must('kimi', 'A partial message may have a name.'),
  'chat.partial-after-length': must('kimi', 'What `length` has cut can be gone on with as a partial message.'),
  'chat.partial-last': must('ours', 'Only the last message may be partial.'),
  'chat.json-object': must('kimi', 'With the response format `json_object` the content is a JSON object.'),
  'chat.json-schema': must('kimi', 'With the response format `json_schema` the content fits the schema.'),
  'chat.response-format': must(
    'kimi',
    'Response formats are `text`, `json_object` and `json_schema`; others are refused.',
  ),
} as const;
