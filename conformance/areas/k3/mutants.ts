import { refuse } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { type Json, json } from '../../proof/proxy.ts';
import { REASONING_MUTANTS } from './reasoning-mutants.ts';
import { answered, rowMutants } from './row-mutants.ts';
import { ROW_TABLES } from './rows.ts';
import { TURN_MUTANTS } from './turn-mutants.ts';

const mutant = mutantsOf('k3');

const TOLD = ROW_TABLES.flatMap(({ name, rows }) =>
  Object.entries(rows).flatMap(([row, { refused }]) =>
    typeof refused === 'string' ? [`k3.${name}/${row} ${row}-streamed`] : [],
  ),
);

type Thought = Json & { message: Json & { reasoning_content?: string } };
type Spent = Json & { completion_tokens_details?: { reasoning_tokens: number } };

const ANSWER_MUTANTS: readonly Mutant[] = [
  mutant('texts', 'refusals are told in other words')
    .caughtBy(...TOLD)
    .editErrorText((text) => `${text}.`),
  mutant('no-reasoning', 'reasoning is not handed out')
    .caughtBy('k3.thinking/default-thinks enabled-thinks')
    .editChoices((choice) => {
      const { reasoning_content: _, ...message } = (choice as unknown as Thought).message;
      return { ...choice, message };
    }),
  mutant('always-thinks', 'thinking cannot be turned off')
    .caughtBy('k3.thinking/disabled-does-not')
    .editField('thinking', () => ({ type: 'enabled' })),
  mutant('reasoning-not-counted', 'the usage does not tell the tokens of the reasoning')
    .caughtBy('k3.thinking/reasoning-counted')
    .editUsage(({ completion_tokens_details: _, ...usage }: Spent) => usage),
  mutant('markers-not-counted', 'the markers around an answer are not counted')
    .caughtBy('k3.thinking/one-token-answer')
    .editUsage((usage) => ({
      ...usage,
      completion_tokens: usage.completion_tokens - 1,
      total_tokens: usage.total_tokens - 1,
    })),
  mutant('reasoning-beyond-budget', 'reasoning does not spend the budget of the answer')
    .caughtBy('k3.thinking/small-budget')
    .editField('max_tokens', (tokens: number) => Math.max(tokens, 512)),
  mutant('no-last-reasoning', 'a stream does not end its reasoning with an empty piece')
    .caughtBy('k3.thinking/order')
    .editChunks((chunk) => {
      const [choice] = (chunk.choices ?? []) as { delta: Json }[];
      return choice?.delta.reasoning_content === '' ? [] : [chunk];
    }),
  mutant('short-ids', 'answers have the ids of K2')
    .caughtBy('k3.thinking/whole-id')
    .editAnswer((answer) => ({ ...answer, id: 'chatcmpl-0123456789abcdef01234567' })),
  mutant('fingerprint', 'chunks have a system_fingerprint')
    .caughtBy('k3.thinking/streamed-id')
    .editChunks((chunk) => [{ ...chunk, system_fingerprint: 'fpv0_00000000' }]),
  mutant('effort-not-told', 'the prompt does not tell the effort')
    .caughtBy('k3.prompt-tokens/effort-default effort-low effort-high effort-max thinking-effort-wins')
    .onChat(async (body, forward) => {
      const response = await forward();
      const off = (body.thinking as { type?: string } | undefined)?.type === 'disabled';
      return off ? response : lessPrompt(response, 67);
    }),
  mutant('effort-of-the-root-wins', '`reasoning_effort` wins over `thinking.effort`')
    .caughtBy('k3.prompt-tokens/thinking-effort-wins')
    .onChat((body, forward) =>
      body.reasoning_effort === undefined
        ? forward()
        : forward({ body: { ...body, thinking: { ...(body.thinking as object), effort: body.reasoning_effort } } }),
    ),
  mutant('choice-not-told', 'the prompt does not tell the tool_choice')
    .caughtBy('k3.prompt-tokens/choice-required choice-none')
    .editField('tool_choice', () => 'auto'),
  mutant('format-not-told', 'the prompt does not tell the response format')
    .caughtBy('k3.prompt-tokens/json-object')
    .editField('response_format', () => ({ type: 'text' })),
  mutant('estimate-without-effort', 'an estimate leaves out the effort')
    .caughtBy('k3.prompt-tokens/estimate-thinks')
    .editEstimate((tokens) => tokens - 67),
  mutant('old-call-ids', 'calls have the ids of K2')
    .caughtBy('k3.calls/id-form')
    .editCalls((call) => ({ ...call, id: `functions.${call.function.name}:0` })),
  mutant('references-not-followed', 'arguments do not follow the references of their schema')
    .caughtBy('k3.calls/arguments-fit')
    .editCalls((call) => ({
      ...call,
      function: { ...call.function, arguments: call.function.arguments.replace('"city"', '"town"') },
    })),
  mutant('dynamic-tools-ignored', 'the tools of system messages are not declared')
    .caughtBy('k3.calls/dynamic-called')
    .onChat((body, forward) => {
      const messages = (Array.isArray(body.messages) ? body.messages : []) as Json[];
      return messages.some((message) => 'tools' in message) ? Promise.resolve(answered(body)) : forward();
    }),
  mutant('reasoning-wanted-back', 'a call without its reasoning is refused')
    .caughtBy('k3.calls/without-reasoning-accepted')
    .onChat((body, forward) => {
      const messages = (Array.isArray(body.messages) ? body.messages : []) as Json[];
      return messages.some((message) => message.tool_calls && !message.reasoning_content) ? refuse() : forward();
    }),
  mutant('json-with-line-feeds', 'JSON is written over several lines')
    .caughtBy('k3.json/whole')
    .editChoices((choice, body) =>
      body.response_format
        ? { ...choice, message: { ...choice.message, content: choice.message.content.replace('{', '{\n') } }
        : choice,
    ),
  mutant('streamed-json-with-line-feeds', 'streamed JSON is written over several lines')
    .caughtBy('k3.json/streamed')
    .editChunks((chunk) => {
      const text = JSON.stringify(chunk).replace('"content":"{', '"content":"{\\n');
      return [JSON.parse(text) as Json];
    }),
];

/** The answer of a prompt that counts fewer tokens. */
async function lessPrompt(response: Response, tokens: number): Promise<Response> {
  const body = (await response.json()) as Json & { usage?: { prompt_tokens: number } };
  const { usage } = body;
  return json(
    usage ? { ...body, usage: { ...usage, prompt_tokens: usage.prompt_tokens - tokens } } : body,
    response.status,
  );
}

export const K3_MUTANTS: readonly Mutant[] = [
  ...rowMutants('k3', ROW_TABLES),
  ...ANSWER_MUTANTS,
  ...REASONING_MUTANTS,
  ...TURN_MUTANTS,
];
