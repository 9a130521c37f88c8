import type { ChatRequest } from '../../contract/chat.ts';
import type { InputMessage, Role, Tool } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { ApiError, invalid } from '../api-error.ts';
import { checkParameters } from '../engines/mfjs/check-parameters.ts';
import { checkSchema } from '../engines/mfjs/check-schema.ts';
import { ADVICE } from '../engines/mfjs/faults.ts';
import type { Thinking } from './thinking.ts';

/** What one model refuses, beyond what no model takes: each rule reads the profile, and throws as the live API answers. */

/** All rules of a chat request but that of its history, which in a session begins before it. @throws ApiError */
export function requireTaken(profile: ModelProfile, request: ChatRequest, thinking: Thinking): void {
  requireThinking(profile, request);
  requireSampling(profile, request, thinking);
  requireChoice(profile, request, thinking);
  requireTools(profile, request.tools ?? [], request.messages);
  requireAnswerSchema(profile, request);
}

/** @throws ApiError where a switch of thinking is refused */
function requireThinking({ thinking }: ModelProfile, { thinking: asked }: Pick<ChatRequest, 'thinking'>): void {
  const type = asked?.type;
  if (type == null || thinking.enabled.value === 'ignored') return;
  // Departure: what the live API says to another type is not known.
  if (type !== 'enabled' && type !== 'disabled') {
    throw invalid('thinking.type: must be enabled or disabled', 'thinking.type');
  }
  if (type === 'disabled' && thinking.disabled.value === 'refused') throw new ApiError('thinking_fixed', {});
}

const SAMPLING = ['temperature', 'top_p', 'n', 'presence_penalty', 'frequency_penalty'] as const;

/** @throws ApiError where another value is asked for than the one that the model samples with */
function requireSampling({ sampling }: ModelProfile, request: ChatRequest, thinking: Thinking): void {
  const fixed = sampling.value;
  if (fixed.kind === 'free') return;
  const allowed = { ...fixed, temperature: defaultTemperature({ sampling }, thinking) };
  const field = SAMPLING.find((name) => request[name] != null && request[name] !== allowed[name]);
  if (field) throw new ApiError('sampling_fixed', { field, allowed: allowed[field] });
}

/** Kimi API documentation, collected 2026-11. */
const DEFAULT_TEMPERATURE = 0.6;

/** What a request samples at that names no temperature. */
export function defaultTemperature(
  { sampling: { value } }: Pick<ModelProfile, 'sampling'>,
  { enabled }: Thinking,
): number {
  if (value.kind === 'free') return DEFAULT_TEMPERATURE;
  return enabled ? value.temperature : value.temperatureWithoutThinking;
}

/** @throws ApiError where a call is forced that the model does not make while it thinks */
function requireChoice({ tools }: ModelProfile, { tool_choice }: ChatRequest, { enabled }: Thinking): void {
  if (!enabled || tool_choice == null) return;
  const refuse = (choice: 'required' | 'specified') => new ApiError('tool_choice_while_thinking', { choice });
  if (tool_choice === 'required' && tools.requiredWhileThinking.value === 'refused') throw refuse('required');
  if (typeof tool_choice === 'object' && tools.namedWhileThinking.value === 'refused') throw refuse('specified');
}

/** Tools of a request, and those that its system messages bring. @throws ApiError */
export function requireTools(
  profile: ModelProfile,
  tools: readonly Tool[],
  messages: readonly InputMessage[] = [],
): void {
  for (const [place, tool] of tools.entries()) requireTool(profile, tool, `tools[${place}]`);
  availableTools(profile, tools, messages);
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'system' || !message.tools || message.tools.length === 0) continue;
    const field = `messages[${index}].tools`;
    if (message.content != null && message.content !== '')
      throw invalid(`${field}: cannot be used with content`, field);
    for (const [place, tool] of message.tools.entries()) requireTool(profile, tool, `${field}[${place}]`);
  }
}

/**
 * All tools that a prompt declares: those of the request or the session, and those that system messages bring.
 * @throws ApiError where the model takes none from messages, or a name stands twice: a window was not checked with the request
 */
export function availableTools(
  profile: ModelProfile,
  declared: readonly Tool[],
  messages: readonly { role: Role; tools?: readonly Tool[] | null | undefined }[],
): Tool[] {
  const available = [...declared];
  for (const [index, { role, tools }] of messages.entries()) {
    if (role !== 'system' || !tools || tools.length === 0) continue;
    if (!profile.tools.dynamic.value) throw new ApiError('tokenization_failed', { index });
    available.push(...tools);
  }
  const seen = new Set<string>();
  for (const { function: declaration } of available) {
    const { name } = declaration;
    if (seen.has(name)) throw new ApiError('function_name_duplicated', { name });
    seen.add(name);
  }
  return available;
}

function requireTool(profile: ModelProfile, { type, function: declared }: Tool, field: string): void {
  const { namePattern, schemas, builtins } = profile.tools;
  const { name } = declared;
  if (type === 'builtin_function') {
    if (builtins.value.includes(name)) return;
    // Departure: the text of the live API is not known.
    const names = builtins.value.join(', ');
    throw invalid(`${field}.function.name: the built-in functions are ${names}`, `${field}.function.name`);
  }
  // Departure: the text of the live API is not known.
  if (!new RegExp(namePattern.value).test(name)) {
    throw invalid(`${field}.function.name: must match pattern ${namePattern.value}`, `${field}.function.name`);
  }
  if (schemas.value === null) return;
  const fault = checkParameters(declared, schemas.value);
  if (!fault) return;
  if ('root' in fault) throw new ApiError('parameters_not_object', { tool: name });
  const { path, text, rule } = fault;
  const details = { path, fault: text, of: name, fix: ADVICE[rule] };
  throw new ApiError('schema_refused', { field: 'tools.function.parameters', ...details });
}

/**
 * Where system messages may bring tools, others may not.
 * @param body as it was sent: the schema leaves out what a message has no use for
 * @throws ApiError; the text of the live API is not known
 */
export function requireToolsInPlace({ tools }: ModelProfile, body: unknown): void {
  if (!tools.dynamic.value) return;
  const messages = (body as { messages: readonly { role: Role; tools?: unknown }[] }).messages;
  const index = messages.findIndex((message) => message.role !== 'system' && message.tools != null);
  if (index === -1) return;
  const field = `messages[${index}].tools`;
  throw invalid(`${field}: only a system message brings tools`, field);
}

/**
 * A schema that is not enforced is not checked either. Departure: what the live API does with one is not known.
 * @throws ApiError `schema_refused`
 */
function requireAnswerSchema({ tools }: ModelProfile, { response_format: format }: ChatRequest): void {
  const level = tools.schemas.value;
  if (level === null || format?.type !== 'json_schema' || format.json_schema.strict === false) return;
  const { schema, name } = format.json_schema;
  const fault = checkSchema(schema, { level });
  if (!fault) return;
  const { path, text, rule } = fault;
  const details = { path, fault: text, of: name, fix: ADVICE[rule] };
  throw new ApiError('schema_refused', { field: 'response_format.json_schema', ...details });
}

/**
 * Where the model thinks, an assistant message with calls must bring its reasoning back, be it empty.
 * @param messages the whole history: in a session, the window's and the new ones
 * @throws ApiError `reasoning_missing`, with the place in `messages`
 */
export function requireReasoning(
  { thinking }: ModelProfile,
  { enabled }: Pick<Thinking, 'enabled'>,
  messages: readonly { role: Role; tool_calls?: unknown; reasoning_content?: string | null | undefined }[],
): void {
  if (!enabled || !thinking.requiresReasoning.value) return;
  const index = messages.findIndex(
    ({ tool_calls, reasoning_content }) => tool_calls != null && reasoning_content == null,
  );
  if (index !== -1) throw new ApiError('reasoning_missing', { index });
}

/** Fields of the request that this model takes and that change nothing. */
export function fieldsWithoutEffect({ thinking }: ModelProfile, request: ChatRequest): string[] {
  const without: (keyof ChatRequest)[] = ['logprobs', 'top_logprobs', 'prediction'];
  if (thinking.enabled.value === 'ignored') without.push('thinking');
  if (thinking.efforts.value === null) without.push('reasoning_effort');
  return without.filter((field) => request[field] != null);
}
