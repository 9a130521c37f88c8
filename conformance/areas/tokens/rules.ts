import { onlyK2, rulesOf } from '../rule.ts';

const { must, shownBy } = rulesOf('kimi-wire');

/** How tokens are counted. */
export const TOKENS_RULES = {
  'tokens.estimate': must('kimi', 'An estimate is `{"data":{"total_tokens":N}}`.'),
  'tokens.prompt-of-one': onlyK2(
    must('kimi', 'A message of a single token by the user is charged as a prompt of 8: no system prompt is added.'),
  ),
  'tokens.estimate-of-one': must('ours', 'The estimate for a message of a single token by the user is 8.'),
  'tokens.estimate-is-prompt': must('ours', 'The estimate of a request is the `prompt_tokens` of its answer.'),
  'tokens.sum': must('ours', 'A prompt counts the sum of its messages, and 3 tokens that open the answer.'),
  'tokens.frame': must('ours', 'A message counts 3 markers, its role and its text, whatever the role.'),
  'tokens.name': must('ours', 'The name of a message is counted in the place of its role.'),
  'tokens.tool-result': must('ours', 'The result of a tool is counted with the line that says which call it answers.'),
  'tokens.tool-calls': must('ours', 'Calls count 2 markers for all, and for each 3 markers, its id and its arguments.'),
  'tokens.tools': must('ours', 'Declared functions count 3 markers, `tool_declare` and their compact JSON.'),
  'tokens.no-tools': must('ours', 'An empty list of functions counts nothing.'),
  'tokens.special-text': must('ours', 'Text that looks like a marker is counted as text.'),
  'tokens.completion': must('ours', '`completion_tokens` are those of the delivered text, without its end marker.'),
  'tokens.completion-calls': must('ours', '`completion_tokens` of an answer that calls are those of its calls.'),
  'tokens.any-size': must('ours', 'What is larger than the window can be estimated.'),
  'tokens.unknown-model': must('ours', 'There is no estimate for a model that is not there.'),
  'tokens.vocabulary': shownBy(
    'test/engines/tokens/byte-pair-tokenizer.test.ts',
    'kimi',
    "With Kimi's vocabulary a text has exactly Kimi's tokens.",
  ),
  'tokens.template': shownBy(
    'test/engines/tokens/chat-template.test.ts',
    'kimi',
    "A prompt counts what Kimi's chat template makes of it.",
  ),
  'tokens.default-vocabulary': shownBy(
    'test/tokenizer.test.ts',
    'ours',
    "Without Kimi's vocabulary texts are counted by `o200k_base`, and the counts are said not to be exact.",
  ),
} as const;
