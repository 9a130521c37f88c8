import type { ChatCompletion, ChatCompletionChunk, CompletionUsage, FinishReason } from '../../contract/chat.ts';
import { type ChatMessage, contentText, type ToolCall } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { findProfile } from '../../contract/models/profiles.ts';
import type { SessionState } from '../../contract/sessions.ts';
import type { PromptCounter } from '../engines/tokens/prompt-counter.ts';
import type { ServedModel } from '../models/profiles.ts';
import { isBorder, type WriteItem } from '../sessions/append.ts';
import { wholeCharacters } from './bounds.ts';

type Delta = ChatCompletionChunk['choices'][number]['delta'];

/** The name, time and model that every chunk of an answer repeats. */
export interface Heading {
  id: string;
  created: number;
  model: string;
}

/** Builds the chunks of one answer, in the order and shape captured from the live API. */
export class Chunks {
  readonly #heading: Heading;
  readonly #characters: number;
  readonly #fingerprint: ModelProfile['fingerprint']['value'];

  /** @param characters of one content chunk */
  constructor(heading: Heading, characters: number) {
    this.#heading = heading;
    this.#characters = characters;
    this.#fingerprint = findProfile(heading.model)?.fingerprint.value ?? null;
  }

  opening(index: number): ChatCompletionChunk {
    return this.#chunk(index, { role: 'assistant', content: '' });
  }

  *text(index: number, text: string): Generator<ChatCompletionChunk> {
    for (const content of this.#pieces(text)) yield this.#chunk(index, { content });
  }

  *reasoning(index: number, text: string): Generator<ChatCompletionChunk> {
    for (const piece of this.#pieces(text)) yield this.#chunk(index, { reasoning_content: piece });
  }

  /** An empty piece ends the reasoning [captured of K3, 2026-08]. */
  reasoningEnd(index: number): ChatCompletionChunk {
    return this.#chunk(index, { reasoning_content: '' });
  }

  *call(
    index: number,
    place: number,
    { id, function: { name, arguments: text } }: ToolCall,
  ): Generator<ChatCompletionChunk> {
    const opening = { index: place, id, type: 'function' as const, function: { name, arguments: '' } };
    yield this.#chunk(index, { tool_calls: [opening] });
    if (text !== '') yield this.#chunk(index, { tool_calls: [{ index: place, function: { arguments: text } }] });
  }

  finish(
    index: number,
    reply: Pick<Reply, 'finishReason'>,
    usage: CompletionUsage,
    session?: SessionState,
  ): ChatCompletionChunk {
    const choice = { index, delta: {}, finish_reason: reply.finishReason, usage };
    return { ...this.#frame([choice], true), ...(session && { session }) };
  }

  usage(usage: CompletionUsage): ChatCompletionChunk {
    return { ...this.#frame([]), usage };
  }

  *#pieces(text: string): Generator<string> {
    for (let rest = text; rest !== ''; ) {
      const head = wholeCharacters(rest, this.#characters) || rest.slice(0, 2);
      yield head;
      rest = rest.slice(head.length);
    }
  }

  #chunk(index: number, delta: Delta): ChatCompletionChunk {
    return this.#frame([{ index, delta, finish_reason: null }]);
  }

  #frame(choices: ChatCompletionChunk['choices'], isFinish = false): ChatCompletionChunk {
    const { id, created, model } = this.#heading;
    const chunk: ChatCompletionChunk = { id, object: 'chat.completion.chunk', created, model, choices };
    const fingerprint = this.#fingerprint;
    if (fingerprint && (isFinish || fingerprint.on === 'every chunk')) chunk.system_fingerprint = fingerprint.text;
    return chunk;
  }
}

/** What was delivered of one choice. */
export interface Reply {
  content: string;
  /** Undefined where the model shows none. */
  reasoning: string | undefined;
  calls: ToolCall[];
  /** Tokens of the parts, without markup. */
  sizes: { text: number; reasoning: number; calls: number };
  completionTokens: number;
  finishReason: FinishReason;
}

function replyMessage({ content, reasoning, calls }: Pick<Reply, 'content' | 'reasoning' | 'calls'>): ChatMessage {
  return {
    role: 'assistant',
    content,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/**
 * The messages that a turn stores: the new ones and the reply, which a begun answer and its continuation share. Nothing
 * of an empty answer, nor of a tool call that `length` cut, is stored.
 */
export function storedReply(
  reply: Reply | undefined,
  items: readonly WriteItem[],
  isBegun: boolean,
  { profile, counter }: Pick<ServedModel, 'profile'> & { counter: PromptCounter },
): WriteItem[] {
  const begun = isBegun ? items.at(-1) : undefined;
  const before = begun ? items.slice(0, -1) : [...items];
  if (!reply || !isWhole(reply)) return begun && contentText(begun.body.content) !== '' ? [...before, begun] : before;
  const { sizes } = reply;
  const answer = replyMessage(reply);
  if (begun) {
    const body = { ...begun.body, ...answer, content: contentText(begun.body.content) + reply.content };
    const tokens = begun.tokens + sizes.text + sizes.calls;
    return [...before, { ...begun, body, tokens, border: isBorder(profile, body) }];
  }
  const { tokens: frame, reasoning } = counter.emptyAnswer;
  const item = {
    body: answer,
    tokens: frame + sizes.text + sizes.calls,
    reasoning: reasoning + sizes.reasoning,
    border: isBorder(profile, answer),
    pinned: undefined,
  };
  return [...before, item];
}

function isWhole({ content, calls, finishReason }: Reply): boolean {
  if (calls.length > 0) return finishReason !== 'length';
  return content !== '';
}

/** The chunks of an answer that was given before, as they were. */
export async function* replay(
  source: ServedModel,
  completion: ChatCompletion,
  includeUsage: boolean,
  characters: number,
): AsyncGenerator<Iterable<ChatCompletionChunk>, void> {
  const { id, created, model, choices, usage, session } = completion;
  const chunks = new Chunks({ id, created, model }, characters);
  for (const { index, message } of choices) {
    yield [chunks.opening(index)];
    if (message.reasoning_content !== undefined) {
      yield chunks.reasoning(index, message.reasoning_content);
      yield [chunks.reasoningEnd(index)];
    }
    yield chunks.text(index, message.content);
    for (const call of message.tool_calls ?? []) yield chunks.call(index, call.index, call);
  }
  const usages = choices.length === 1 ? [usage] : await usagesOf(source, completion);
  for (const [place, { index, finish_reason }] of choices.entries()) {
    yield [chunks.finish(index, { finishReason: finish_reason }, usages[place] ?? usage, session)];
  }
  if (includeUsage) yield [chunks.usage(usage)];
}

/** The usage of each of several choices; stored is their sum. Only models that do not think give several. */
async function usagesOf(source: ServedModel, { choices, usage }: ChatCompletion): Promise<CompletionUsage[]> {
  const counter = await source.counter();
  return Promise.all(
    choices.map(async ({ message: { content, tool_calls: calls = [] } }) => {
      const { tokens } = await counter.message(replyMessage({ content, reasoning: undefined, calls }));
      const completion_tokens = tokens - counter.emptyAnswer.tokens;
      return { ...usage, completion_tokens, total_tokens: usage.prompt_tokens + completion_tokens };
    }),
  );
}
