import { onlyK2, rulesOf } from '../rule.ts';

const { article, kimi, ours } = rulesOf('kimi-wire');

/** Answers that are not streamed, and the parameters of a chat. */
export const CHAT_RULES = {
  'chat.completion': kimi('An answer is one `chat.completion` object with id, created, model, choices and usage.'),
  'chat.created': kimi('`created` is in whole Unix seconds.'),
  'chat.choice': kimi(
    'A choice has an index, an assistant message with string content, and a finish_reason: `stop`, `length` or `tool_calls`.',
  ),
  'chat.id-form': onlyK2(kimi.may('The id of an answer is `chatcmpl-` and 24 hexadecimal digits.')),
  'chat.usage': kimi('`total_tokens` is `prompt_tokens` plus `completion_tokens`.'),
  'chat.cached-tokens': kimi(
    '`cached_tokens` is absent when nothing was cached, and is never 0 or larger than the prompt.',
  ),
  'chat.prompt-cache-key': kimi('A request may have a `prompt_cache_key`.'),
  'chat.model-echo': ours('An answer names the model as the request does.'),
  'chat.model-alias': onlyK2(article('`kimi-k2-0905` is an alias of `kimi-k2-0905-preview`.')),
  'chat.history': kimi('The model reads every message of the request.'),
  'chat.stateless': kimi('Without a session the model knows nothing of earlier requests.'),
  'chat.messages-needed': ours('A request without a session needs at least one message.'),
  'chat.roles': ours('A message with an unknown role is refused.'),
  'chat.max-tokens': kimi('`max_completion_tokens`, or its older name `max_tokens`, limits the tokens of the answer.'),
  'chat.length': kimi('An answer that was cut has finish_reason `length`; a complete one has `stop`.'),
  'chat.default-max-tokens': onlyK2(kimi('Without max_tokens a chat counts with 1,024 against the window.')),
  'chat.window': kimi('Prompt plus max_tokens may fill the window to its last token.'),
  'chat.stop': kimi('A stop string, alone or in a list, ends the answer before it.'),
  'chat.stop-limits': kimi('A request has at most 5 stop strings of at most 32 bytes each.'),
  'chat.temperature': onlyK2(kimi('`temperature` is between 0 and 1.')),
  'chat.default-temperature': kimi.shownBy('test/chat/settings.test.ts', 'The default temperature is 0.6.'),
  'chat.top-p': onlyK2(kimi('`top_p` is between 0 and 1.')),
  'chat.presence-penalty': onlyK2(kimi('`presence_penalty` is between -2 and 2.')),
  'chat.frequency-penalty': onlyK2(kimi('`frequency_penalty` is between -2 and 2.')),
  'chat.n': onlyK2(kimi('`n` requests 1 to 5 choices with indexes from 0.')),
  'chat.n-near-zero': onlyK2(kimi('More than one choice is refused when the temperature is near 0.')),
  'chat.n-usage': onlyK2(ours('With several choices the usage counts the prompt once and every answer.')),
  'chat.partial': kimi('The answer to a last message with `partial: true` is only the continuation.'),
  'chat.partial-name': kimi('A partial message may have a name.'),
  'chat.partial-after-length': kimi('An answer that was cut with `length` can be continued as a partial message.'),
  'chat.partial-last': ours('Only the last message may be partial.'),
  'chat.json-object': kimi('With response format `json_object` the content is a JSON object.'),
  'chat.json-schema': kimi('With response format `json_schema` the content is valid against the schema.'),
  'chat.response-format': kimi('Response formats are `text`, `json_object` and `json_schema`; others are refused.'),
} as const;
