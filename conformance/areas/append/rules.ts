import { rulesOf } from '../rule.ts';

const { article, kimi, ours } = rulesOf('session');

/** Writes of messages into a window. */
export const APPEND_RULES = {
  'append.limit': article(
    'A write of up to append_tokens tokens is accepted; a larger one is refused with append_too_large.',
  ),
  'append.limit-in-tokens': article('The limit of a write counts tokens, not characters or bytes.'),
  'append.limit-whole': ours('The limit of a write applies to the sum of its messages.'),
  'append.limit-named': ours('append_too_large states how many tokens the write has and how many are allowed.'),
  'append.on-create': ours('The messages in a create request are one write and have the same limit.'),
  'append.request-messages': ours('A write of more than `request_messages` messages is refused.'),
  'append.window': article(
    'A window accepts messages up to exactly `window_tokens` tokens and refuses one token more.',
  ),
  'append.window-text': kimi(
    "A write over the window is refused with Kimi's text for a prompt that is too long; it states usage plus write.",
  ),
  'append.nothing-dropped': ours('A write never drops messages from the window to make room.'),
  'append.one-or-many': ours('A write is one message or a list of messages.'),
  'append.atomic': ours('A write stores all of its messages or none.'),
  'append.order': ours('Messages are in the window in the order in which they were written.'),
  'append.content': ours('Content is returned byte for byte: a string as a string, parts as parts.'),
  'append.fields': ours('Role, name, tool calls and tool_call_id are returned as written.'),
  'append.message': ours('A stored message has every field of its schema and an id of its own.'),
  'append.answer': ours(
    'The answer to a write has the stored messages, their tokens, and the new usage and version of the session.',
  ),
  'append.usage': ours('A write increases the usage by exactly the tokens of its messages.'),
  'append.counted': ours(
    'The tokens of a write are the estimate for the same messages, less the 3 tokens that every prompt adds.',
  ),
  'append.usage-sum': ours(
    'After any operations the usage is the sum of tools and listed messages, and remaining_tokens is the rest.',
  ),
  'append.sound-history': ours('No sequence of accepted operations leaves a history that the live API would refuse.'),
  'append.system-messages': article('A system message is accepted at any position.'),
  'append.tool-result': ours(
    'A tool message must answer an open call in the window; the refusal names its tool_call_id.',
  ),
  'append.open-calls': ours('While calls are open, only their results are accepted; the refusal names the open ids.'),
  'append.results-in-any-order': ours('Parallel calls can be answered in any order, in one write or several.'),
  'append.call-ids': ours('A tool_call_id can be used again after it has been answered, and not before.'),
  'append.empty': kimi('A message without content is refused unless it has tool calls.'),
  'append.concurrent': ours(
    'Each of several concurrent writes is stored whole or refused; the window has exactly the accepted ones.',
  ),
} as const;
