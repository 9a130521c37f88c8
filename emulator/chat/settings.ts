import type { ChatRequest } from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import type { ChatMessage, InputMessage, Tool } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { ApiError, invalid } from '../api-error.ts';
import type { PromptSettings } from '../engines/tokens/chat-template.ts';
import type { ModelRequest, ResponseFormat } from '../models/model.ts';
import type { ServedModel } from '../models/profiles.ts';
import { requireContent } from '../sessions/append.ts';
import { availableTools, defaultTemperature, requireReasoning, requireTaken } from './profile-rules.ts';
import { type Thinking, thinkingOf } from './thinking.ts';

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
  if (request.session_id != null && (request.n ?? 1) > 1)
    throw invalid('n must be 1 in a session', 'n', 'one_choice_only');
  if ((request.n ?? 1) > 1 && (request.temperature ?? defaultTemperature(profile, thinking)) < NEAR_ZERO) {
    throw invalid('n must be 1 when temperature is near 0', 'n', 'one_choice_only');
  }
  requireContent(withoutBegun(request.messages), request.session_id != null);
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
