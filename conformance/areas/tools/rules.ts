import { onlyK2, rulesOf } from '../rule.ts';

const { kimi, ours } = rulesOf('kimi-wire');

/** Functions that the model may call. */
export const TOOLS_RULES = {
  'tools.call': kimi('A call has an id, the type `function`, and a function with name and arguments.'),
  'tools.index': kimi('A call has its index, streamed or not.'),
  'tools.content': kimi('A message with tool calls also has string content, which may be empty.'),
  'tools.finish': kimi('An answer with tool calls ends with `tool_calls`.'),
  'tools.declared': kimi('The model calls only functions that the request declares.'),
  'tools.arguments': kimi("The arguments of a call are JSON text that is valid for the function's parameters."),
  'tools.id-form': onlyK2(ours('The id of a call is `functions.NAME:IDX`, with IDX from 0.')),
  'tools.several': kimi.shownBy('test/wire/chat.test.ts', 'Each of several calls has its position as index.'),
  'tools.results': kimi('The model reads the results of tools.'),
  'tools.issued-ids': kimi('A call is accepted back as issued, with a result that names its id.'),
  'tools.unanswered': kimi(
    'A call without a result is refused, naming its id (as seen since 2026), or with `tool_call_id  not found` (2025).',
  ),
  'tools.orphan': kimi(
    "A result without a matching call is refused with `tool_call_id 'ID' not found`, or a form of it seen earlier.",
  ),
  'tools.choice-auto': ours('With `tool_choice` `auto`, the default, the model may call a function.'),
  'tools.choice-none': ours('With `tool_choice` `none` the model calls no function.'),
  'tools.choice-required': ours('With `tool_choice` `required` the model calls a function.'),
  'tools.choice-named': ours('With a function as `tool_choice` the model calls that function.'),
  'tools.choice-possible': ours('A `tool_choice` that needs an undeclared function is refused.'),
  'tools.name': onlyK2(
    kimi('A function name is 3 to 64 letters, digits, `_` and `-`, starting with a letter or `_`; others are refused.'),
  ),
  'tools.builtin': kimi('The built-in function `$web_search` is accepted, alone and beside functions.'),
  'tools.builtin-call': kimi('A call of `$web_search` says in its arguments how many tokens the search takes.'),
  'tools.builtin-name': ours('A built-in function of another name is refused.'),
  'tools.most': kimi('A request declares at most 128 functions.'),
} as const;
