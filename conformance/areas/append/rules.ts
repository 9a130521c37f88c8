import { rulesOf } from '../rule.ts';

const { must } = rulesOf('session');

/** Writing messages into a window. */
export const APPEND_RULES = {
  'append.limit': must('article', 'One write may count `append_tokens` tokens, and not one more.'),
  'append.limit-in-tokens': must(
    'article',
    'The limit of a write is one of tokens: neither characters nor bytes are what is counted.',
  ),
  'append.limit-whole': must('ours', 'The limit holds for all messages of a write together.'),
  'append.limit-named': must('ours', 'A write over the limit is told how much it counts, and how much may be written.'),
  'append.on-create': must('ours', 'The messages that a session is created with are one write, under the same limit.'),
  'append.request-messages': must('ours', 'A write of more than `request_messages` messages is refused.'),
  'append.window': must('article', 'A window may be filled to `window_tokens` exactly, and not one token beyond.'),
  'append.window-text': must(
    'kimi',
    'A write beyond the window is refused in the live words for a prompt that is too long, with usage plus write as what was requested.',
  ),
  'append.nothing-dropped': must('ours', 'Nothing that stands in the window is dropped to make room for a write.'),
  'append.one-or-many': must('ours', 'A write is one message, or a list of messages.'),
  'append.atomic': must('ours', 'Of a write either every message is stored or none is.'),
  'append.order': must('ours', 'Messages stand in the window in the order in which they were written.'),
  'append.content': must('ours', 'Content comes back byte for byte, text as text and parts as parts.'),
  'append.fields': must('ours', 'Role, name, tool calls and the id of the call that is answered come back as written.'),
  'append.message': must('ours', 'A stored message is an object with all members of its shape and an id of its own.'),
  'append.answer': must(
    'ours',
    'The answer to a write holds the messages as they stand in the window from now on, their tokens, and the usage and version that the session has now.',
  ),
  'append.usage': must('ours', 'A write adds to the usage exactly the tokens of its messages.'),
  'append.counted': must(
    'ours',
    'The tokens of a write are those of the token counter: the estimate for the same messages, less the prompt around them.',
  ),
  'append.usage-sum': must(
    'ours',
    'After any sequence of operations the usage is the tokens of the tools and of all messages listed, and what remains is the rest of the window.',
  ),
  'append.sound-history': must(
    'ours',
    'No sequence of accepted operations leaves a history whose structure the live API would refuse.',
  ),
  'append.system-messages': must('article', 'A system message may be written at any time.'),
  'append.tool-result': must(
    'ours',
    'A tool message has to answer a call that is open in the window; the refusal names its id.',
  ),
  'append.open-calls': must(
    'ours',
    'While calls are open nothing but their results may be written; the refusal names the ids that wait.',
  ),
  'append.results-in-any-order': must(
    'ours',
    'Parallel calls may be answered in any order, in one write or in several.',
  ),
  'append.call-ids': must('ours', 'The id of a call may be used again once it has been answered, and not before.'),
  'append.empty': must('kimi', 'A message without content is refused, unless it calls tools.'),
  'append.concurrent': must(
    'ours',
    'Of writes that come at the same time each is stored whole or refused for later, and exactly those that were accepted stand in the window.',
  ),
} as const;
