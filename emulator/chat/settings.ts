import type { ChatRequest } from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import type { ChatMessage, InputMessage, Role, Tool } from '../../contract/messages.ts';
import { EFFORTS, type Effort, type ModelProfile } from '../../contract/models/profile.ts';
import { ApiError, invalid } from '../api-error.ts';
import { checkSchema } from '../engines/mfjs/check-schema.ts';
import { ADVICE } from '../engines/mfjs/faults.ts';
import type { PromptSettings } from '../engines/tokens/prompt.ts';
import type { ModelRequest, ResponseFormat } from '../models/model.ts';
import type { ServedModel } from '../models/profiles.ts';
import { availableTools, requireContent, requireTools } from '../sessions/write.ts';

/** Below this temperature every choice would be the same, and the live API refuses more than one. */
const NEAR_ZERO = 0.01;

export interface Settings {
  /** Tokens of the answer at most. */
  maxTokens: number;
  /** Whether that may be cut to what is left of the window: the older `max_tokens` may not [captured 2025 and 2026]. */
  clampable: boolean;
  choices: number;
  stop: string[];
  includeUsage: boolean;
  /** The beginning of the answer, where the last message gives one. */
  partial: (InputMessage & { role: 'assistant' }) | undefined;
  thinking: Thinking;
}

/** What the schema cannot say. @throws ApiError in the live API's terms */
export function requireSound(request: ChatRequest, limits: Limits, profile: ModelProfile): void {
  const thinking = thinkingOf(profile, request);
  requireTaken(profile, request, thinking);
  if (request.session_id == null) requireReasoning(profile, thinking, request.messages);
  const { stop_sequences: limit } = limits;
  if (Array.isArray(request.stop) && request.stop.length > limit) {
    throw new ApiError('stop_too_long', { limit, count: request.stop.length });
  }
  if (request.session_id != null) requireOneChoice(profile, request);
  if ((request.n ?? 1) > 1 && (request.temperature ?? defaultTemperature(profile, thinking)) < NEAR_ZERO) {
    throw invalid('n must be 1 when temperature is near 0', 'n', 'one_choice_only');
  }
  requireContent(withoutBegun(request.messages), request.session_id != null);
}

/** What a turn of a session asks for. @throws ApiError as the live API words it where the model fixes `n`, else in our words */
export function requireOneChoice({ sampling }: ModelProfile, { n }: Pick<ChatRequest, 'n'>): void {
  if ((n ?? 1) === 1) return;
  if (sampling.value.kind !== 'free') throw new ApiError('sampling_fixed', { field: 'n', allowed: sampling.value.n });
  throw invalid('n must be 1 in a session', 'n', 'one_choice_only');
}

/** The messages less an answer that is begun, which may hold no text yet. @throws ApiError where it is not the last */
function withoutBegun(messages: readonly InputMessage[]): readonly InputMessage[] {
  const place = messages.findIndex((message) => message.role === 'assistant' && message.partial);
  const begun = messages[place];
  if (begun?.role !== 'assistant') return messages;
  const param = `messages[${place}].partial`;
  if (place !== messages.length - 1) throw invalid('partial is for the last message only', param);
  if (begun.tool_calls) throw invalid('a partial message has no tool_calls', param);
  return messages.slice(0, place);
}

export function settingsOf(
  request: ChatRequest,
  { profile, limits }: Pick<ServedModel, 'profile' | 'limits'>,
): Settings {
  const last = request.messages.at(-1);
  const partial = last?.role === 'assistant' && last.partial ? last : undefined;
  const stop = typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []);
  return {
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? limits.max_tokens,
    clampable: isClampable(request, profile),
    choices: request.n ?? 1,
    stop: stop.filter((text) => text !== ''),
    includeUsage: request.stream_options?.include_usage ?? false,
    partial,
    thinking: thinkingOf(profile, request),
  };
}

function isClampable({ max_completion_tokens, max_tokens }: ChatRequest, profile: ModelProfile): boolean {
  if (max_completion_tokens != null) return true;
  return max_tokens == null && profile.clampsDefaultOutput.value;
}

/** What of the request its prompt says. */
export function promptSettings(
  { tool_choice: choice, ...request }: ChatRequest,
  { thinking }: Pick<Settings, 'thinking'>,
): PromptSettings {
  const toolChoice = typeof choice === 'object' && choice ? { name: choice.function.name } : (choice ?? 'auto');
  return { thinking: thinking.enabled, effort: thinking.effort, toolChoice, responseFormat: responseFormat(request) };
}

/**
 * What the model is asked.
 * @param prompt tools of the request or the session, and all messages, which may bring more tools
 * @throws ApiError where `tool_choice` asks for a tool that is not there, or the messages bring what the model does not take
 */
export function modelSettings(
  profile: ModelProfile,
  request: ChatRequest,
  { maxTokens, partial, thinking }: Settings,
  prompt: { declared: readonly Tool[]; messages: readonly ChatMessage[] },
): Omit<ModelRequest, 'signal' | 'session'> {
  const { declared, messages } = prompt;
  const tools = availableTools(profile, declared, messages);
  return {
    model: request.model,
    messages,
    tools,
    partial: partial !== undefined,
    toolChoice: toolChoice(request, tools),
    responseFormat: responseFormat(request),
    maxTokens,
    temperature: request.temperature ?? defaultTemperature(profile, thinking),
    ...(thinking.enabled && { thinking: thinking.effort }),
  };
}

function toolChoice({ tool_choice }: ChatRequest, tools: readonly Tool[]): ModelRequest['toolChoice'] {
  const choice = tool_choice ?? (tools.length > 0 ? 'auto' : 'none');
  if (choice === 'none' || choice === 'auto') return choice;
  if (choice === 'required') {
    if (tools.length === 0) throw invalid('tool_choice required needs tools', 'tool_choice');
    return choice;
  }
  const { name } = choice.function;
  if (!tools.some((tool) => tool.function.name === name)) {
    throw invalid(`tool_choice names ${name}, which is not among the tools`, 'tool_choice');
  }
  return { name };
}

function responseFormat({ response_format: format }: Pick<ChatRequest, 'response_format'>): ResponseFormat {
  if (format?.type === 'json_schema') return { type: 'json_schema', schema: format.json_schema.schema };
  return { type: format?.type ?? 'text' };
}

/** How a request is thought about. */
export interface Thinking {
  readonly enabled: boolean;
  readonly effort: Effort;
  /** Whether the prompt keeps all reasoning of the history, beyond what the model keeps by itself. */
  readonly keepsAll: boolean;
}

/** @param asked unknown efforts are ignored, as the live API does [captured 2026-09-01] */
export function thinkingOf(
  { thinking }: ModelProfile,
  asked: Pick<ChatRequest, 'thinking' | 'reasoning_effort'>,
): Thinking {
  const { type, keep, effort } = asked.thinking ?? {};
  const switched = type === 'disabled' ? thinking.disabled.value : thinking.enabled.value;
  const enabled = type != null && switched === 'obeyed' ? type === 'enabled' : thinking.byDefault.value;
  const efforts = thinking.efforts.value;
  const wanted = [effort, asked.reasoning_effort].find((value) => efforts?.values.some((known) => known === value));
  return {
    enabled,
    effort: EFFORTS.find((known) => known === wanted) ?? efforts?.default ?? 'max',
    keepsAll: keep === 'all' && thinking.keepAll.value,
  };
}

/** What one model refuses, beyond what no model takes: each rule reads the profile, and throws as the live API answers. */

/** All rules of a chat request but that of its history, which in a session begins before it. @throws ApiError */
function requireTaken(profile: ModelProfile, request: ChatRequest, thinking: Thinking): void {
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
function defaultTemperature({ sampling: { value } }: Pick<ModelProfile, 'sampling'>, { enabled }: Thinking): number {
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
