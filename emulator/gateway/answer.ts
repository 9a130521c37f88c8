import type { ChatCompletion, CompletionUsage } from '../../contract/chat.ts';
import type { ToolCall } from '../../contract/messages.ts';
import { upstreamFailed } from './upstream.ts';
import { members, type UpstreamUsage, usageIn } from './usage.ts';

/** What an upstream has answered, as far as a session has a use for it. */
export interface ReadAnswer {
  content: string;
  /** Undefined where it brought none. */
  reasoning: string | undefined;
  calls: ToolCall[];
  finishReason: string | undefined;
  usage: UpstreamUsage | undefined;
  id: string;
  created: number;
  model: string;
}

/** The first choice of a completion. Undefined where it is not one. */
export function readCompletion(value: unknown): ReadAnswer | undefined {
  const { choices, id, created, model } = members(value);
  const { message, finish_reason } = members(Array.isArray(choices) ? choices[0] : undefined);
  if (typeof message !== 'object' || message === null) return undefined;
  const { content, reasoning_content, tool_calls } = members(message);
  return {
    content: textOf(content),
    reasoning: typeof reasoning_content === 'string' ? reasoning_content : undefined,
    calls: Array.isArray(tool_calls) ? tool_calls.flatMap((call) => toCall(call) ?? []) : [],
    finishReason: typeof finish_reason === 'string' ? finish_reason : undefined,
    usage: usageIn(value),
    id: textOf(id),
    created: typeof created === 'number' ? created : 0,
    model: textOf(model),
  };
}

function toCall(value: unknown): ToolCall | undefined {
  const { id, function: called } = members(value);
  const { name, arguments: text } = members(called);
  if (typeof id !== 'string' || id === '' || typeof name !== 'string' || name === '') return undefined;
  return { id, type: 'function', function: { name, arguments: textOf(text) } };
}

/** Puts the first choice of a streamed answer together. */
export class StreamedAnswer {
  readonly #answer: ReadAnswer;
  readonly #calls: { id: string; name: string; text: string }[] = [];
  #units = 0;

  constructor() {
    const nothing = { content: '', reasoning: undefined, calls: [], finishReason: undefined, usage: undefined };
    this.#answer = { ...nothing, id: '', created: 0, model: '' };
  }

  /** @throws ApiError `upstream_failed` for a place that no tool call can have */
  push(chunk: unknown): void {
    const { id, created, model, choices } = members(chunk);
    const answer = this.#answer;
    if (answer.id === '') answer.id = textOf(id);
    if (answer.model === '') answer.model = textOf(model);
    if (answer.created === 0 && typeof created === 'number') answer.created = created;
    answer.usage = usageIn(chunk) ?? answer.usage;
    const first = Array.isArray(choices) ? choices.find((choice) => (members(choice).index ?? 0) === 0) : undefined;
    const { delta, finish_reason } = members(first);
    const { content, reasoning_content, tool_calls } = members(delta);
    this.#units += textOf(content).length + textOf(reasoning_content).length;
    if (typeof content === 'string') answer.content += content;
    if (typeof reasoning_content === 'string') answer.reasoning = (answer.reasoning ?? '') + reasoning_content;
    if (Array.isArray(tool_calls)) for (const [place, call] of tool_calls.entries()) this.#pushCall(call, place);
    if (typeof finish_reason === 'string') answer.finishReason = finish_reason;
  }

  #pushCall(value: unknown, place: number): void {
    const { index, id, function: called } = members(value);
    const { name, arguments: text } = members(called);
    const at = typeof index === 'number' ? index : place;
    if (!Number.isInteger(at) || at < 0 || at >= MAX_CALLS) throw upstreamFailed(`a tool call has the index ${at}`);
    this.#calls[at] ??= { id: '', name: '', text: '' };
    const call = this.#calls[at];
    if (call.id === '') call.id = textOf(id);
    if (call.name === '') call.name = textOf(name);
    call.text += textOf(text);
    this.#units += textOf(text).length;
  }

  /** UTF-16 units that have come: text, reasoning, and what tools are called with. */
  get units(): number {
    return this.#units;
  }

  /** Whether the chunk that ends the first choice has come. */
  get isFinished(): boolean {
    return this.#answer.finishReason !== undefined;
  }

  get read(): ReadAnswer {
    const calls = this.#calls.filter((call) => call !== undefined && call.id !== '' && call.name !== '');
    return {
      ...this.#answer,
      calls: calls.map(({ id, name, text }) => ({ id, type: 'function', function: { name, arguments: text } })),
    };
  }
}

/** A larger index is a mistake: to guess which call is meant could mix two up. */
const MAX_CALLS = 1_024;

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What the answer would be if it had not been streamed. */
export function toCompletion(read: ReadAnswer, usage: UpstreamUsage): ChatCompletion {
  const { content, reasoning, calls, finishReason, id, created, model } = read;
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content,
          ...(reasoning !== undefined && { reasoning_content: reasoning }),
          ...(calls.length > 0 && { tool_calls: calls.map((call, index) => ({ ...call, index })) }),
        },
        // Servers that are not Kimi's have reasons of their own.
        finish_reason: (finishReason ?? 'stop') as ChatCompletion['choices'][number]['finish_reason'],
      },
    ],
    usage: toUsage(usage),
  };
}

/** Usage as an answer states it. */
export function toUsage({ promptTokens, completionTokens, cachedTokens, told }: UpstreamUsage): CompletionUsage {
  return {
    ...told,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...((cachedTokens > 0 || told?.cached_tokens !== undefined) && { cached_tokens: cachedTokens }),
  };
}

/** A JSON object as text, with one member more: all else stays as it was written. */
export function withMember(text: string, name: string, value: unknown): string {
  const end = text.trimEnd();
  return `${end.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`;
}
