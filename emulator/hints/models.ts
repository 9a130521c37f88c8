import type { Hint } from './asking.ts';

/** What a model refuses that others take. */

export const samplingFixed: Hint<'sampling_fixed'> = ({ refusal: { details } }) =>
  `leave ${details.field} out: this model samples with ${details.allowed} and takes no other value; kimi-emulator models has what each model takes`;

export const thinkingFixed: Hint<'thinking_fixed'> = () =>
  'this model always thinks: leave thinking out, or use a model that can be told not to, such as kimi-k2.6';

export const reasoningMissing: Hint<'reasoning_missing'> = ({ refusal: { details } }) =>
  `messages[${details.index}] has tool_calls and no reasoning_content: send each answer back as it came, with its reasoning_content (an empty string will do), or turn thinking off`;

export const toolChoiceWhileThinking: Hint<'tool_choice_while_thinking'> = ({ refusal: { details } }) =>
  `while it thinks, this model chooses ${details.choice === 'required' ? 'whether to call' : 'the function'} itself: use tool_choice auto and ask for the call in the text, or turn thinking off where the model allows it`;

export const parametersNotObject: Hint<'parameters_not_object'> = ({ refusal: { details } }) =>
  `the parameters of ${details.tool} need "type": "object" at the root, with the arguments as properties; kimi-emulator tools check FILE finds all such faults at once`;

export const schemaRefused: Hint<'schema_refused'> = ({ refusal: { details } }) =>
  `in the schema of ${details.of}: ${details.fix}; kimi-emulator tools check FILE finds all such faults at once`;

export const tokenizationFailed: Hint<'tokenization_failed'> = ({ refusal: { details } }) =>
  `messages[${details.index}] brings tools, which this model does not take in a message: put them into tools of the request, or use kimi-k3`;
