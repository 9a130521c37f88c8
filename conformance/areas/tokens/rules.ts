import { onlyK2, rulesOf } from '../rule.ts';

const { kimi, ours } = rulesOf('kimi-wire');

/** Token counts. */
export const TOKENS_RULES = {
  'tokens.estimate': kimi('An estimate is `{"data":{"total_tokens":N}}`.'),
  'tokens.prompt-of-one': onlyK2(
    kimi('A user message of one token is charged as a prompt of 8 tokens: no system prompt is added.'),
  ),
  'tokens.estimate-of-one': onlyK2(ours('The estimate for a user message of one token is 8.')),
  'tokens.estimate-is-prompt': ours('The estimate for a request is the `prompt_tokens` of its answer.'),
  'tokens.sum': ours('A prompt has the sum of its messages plus 3 tokens that open the answer.'),
  'tokens.frame': onlyK2(ours('A message has 3 marker tokens plus those of its role and text, whatever the role.')),
  'tokens.name': onlyK2(ours('A message with a name counts the name instead of the role.')),
  'tokens.tool-result': onlyK2(ours('A tool result also counts the line that says which call it answers.')),
  'tokens.tool-calls': onlyK2(
    ours('Tool calls count 2 markers together, and each 3 markers plus its id and arguments.'),
  ),
  'tokens.tools': onlyK2(ours('Declared functions count 3 markers plus `tool_declare` and their compact JSON.')),
  'tokens.no-tools': ours('An empty list of functions counts 0.'),
  'tokens.special-text': ours('Text that looks like a marker is counted as text.'),
  'tokens.completion': onlyK2(ours('`completion_tokens` counts the delivered text without its end marker.')),
  'tokens.completion-calls': onlyK2(ours('`completion_tokens` of an answer with tool calls counts the calls.')),
  'tokens.any-size': ours('A prompt larger than the window can be estimated.'),
  'tokens.unknown-model': ours('An estimate for an unknown model is refused.'),
  'tokens.vocabulary': kimi.shownBy(
    'test/engines/tokens/byte-pair-tokenizer.test.ts',
    "With Kimi's vocabulary a text has exactly the tokens that Kimi counts.",
  ),
  'tokens.template': kimi.shownBy(
    'test/engines/tokens/k2-template.test.ts',
    "A prompt has exactly the tokens of Kimi's chat template.",
  ),
  'tokens.default-vocabulary': ours.shownBy(
    'test/tokenizer.test.ts',
    "Without Kimi's vocabulary texts are counted with `o200k_base` and the counts are marked as not exact.",
  ),
} as const;
