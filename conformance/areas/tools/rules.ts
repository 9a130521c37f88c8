import { onlyK2, rulesOf } from '../rule.ts';

const { must, shownBy } = rulesOf('kimi-wire');

/** Functions that the model may call. */
export const TOOLS_RULES = {
  'tools.call': must('kimi', 'A call has an id, the type `function`, and the name and arguments of a function.'),
  'tools.index': must('kimi', 'A call has its index, streamed or not.'),
  'tools.content': must('kimi', 'A message that calls has a content too: a string, empty where nothing is said.'),
  'tools.finish': must('kimi', 'An answer that calls ends with `tool_calls`.'),
  'tools.declared': must('kimi', 'Only functions are called that the request declares.'),
  'tools.arguments': must('kimi', 'The arguments of a call are JSON text that fits the parameters of the function.'),
  'tools.id-form': onlyK2(must('ours', 'The id of a call is `functions.NAME:IDX`, with IDX counting from 0.')),
  'tools.several': shownBy('test/wire/chat.test.ts', 'kimi', 'Of several calls each has its own place as index.'),
  'tools.results': must('kimi', 'The model reads what a tool has answered.'),
  'tools.issued-ids': must('kimi', 'A call as it was issued is accepted back, with a result that names its id.'),
  'tools.unanswered': must(
    'kimi',
    'A call without a result is refused with `tool_call_id  not found`, two spaces in it.',
  ),
  'tools.orphan': must(
    'ours',
    'A result that answers no call, or names another than was made, is refused with `tool_call_id  not found`.',
  ),
  'tools.choice-auto': must('ours', 'With `tool_choice` `auto`, as without any, the model may call.'),
  'tools.choice-none': must('ours', 'With `tool_choice` `none` nothing is called.'),
  'tools.choice-required': must('ours', 'With `tool_choice` `required` something is called.'),
  'tools.choice-named': must('ours', 'With a function named as `tool_choice` that function is called.'),
  'tools.choice-possible': must('ours', 'A `tool_choice` that needs a function which is not declared is refused.'),
  'tools.name': must(
    'kimi',
    'The name of a function is 3 to 64 letters, digits, `_` and `-`, and begins with a letter or `_`; others are refused.',
  ),
  'tools.most': must('kimi', 'A request declares at most 128 functions.'),
} as const;
