import { createHash } from 'node:crypto';
import type { ChatMessage, Tool, ToolCall } from '../../../contract/messages.ts';
import type { AnsweredCall, AnswerMarkup, ChatTemplate, PromptSettings } from './chat-template.ts';
import { countPieces, countPiecesSliced } from './pieces.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Tokens of a message in a prompt. */
export interface MessageSize {
  /** All of it but its reasoning. */
  readonly tokens: number;
  /** What it takes more where the prompt keeps its reasoning. */
  readonly reasoning: number;
}

/** Tokens of the markup around the parts of an answer. */
export type MarkupSizes = { readonly [Part in keyof AnswerMarkup]: number };

/** Lists of tools whose sizes are remembered, the newest: some 20 KiB. */
const MOST_TOOL_SIZES = 256;

/** Counts the parts of the prompts of one family of models. A prompt is the sum of its parts, because markers part them. */
export class PromptCounter {
  readonly tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #markup = new Map<string, MarkupSizes>();
  /** Tokens of lists of tools that were counted, by the hash of their text. */
  readonly #toolSizes = new Map<string, number>();
  #emptyAnswer: MessageSize | undefined;

  constructor(tokenizer: Tokenizer, template: ChatTemplate) {
    this.tokenizer = tokenizer;
    this.#template = template;
  }

  /** Whether the size of a tool's result depends on the call that it answers. */
  get needsAnsweredCalls(): boolean {
    return this.#template.namesAnsweredCalls;
  }

  /** @param answered the call that a tool's result answers */
  async message(message: ChatMessage, answered?: AnsweredCall): Promise<MessageSize> {
    const { body, reasoning } = this.#template.message(message, answered);
    const tokens = await countPiecesSliced(this.tokenizer, body);
    return { tokens, reasoning: reasoning.length === 0 ? 0 : await countPiecesSliced(this.tokenizer, reasoning) };
  }

  /** Declared tools; 0 where there are none. The same ones, as an agent sends them with every step, are counted once. */
  async tools(tools: readonly Tool[]): Promise<number> {
    if (tools.length === 0) return 0;
    const key = createHash('sha256').update(JSON.stringify(tools)).digest('base64');
    const known = this.#toolSizes.get(key);
    if (known !== undefined) return known;
    const tokens = await countPiecesSliced(this.tokenizer, this.#template.tools(tools));
    const [oldest] = this.#toolSizes.keys();
    if (this.#toolSizes.size >= MOST_TOOL_SIZES && oldest !== undefined) this.#toolSizes.delete(oldest);
    this.#toolSizes.set(key, tokens);
    return tokens;
  }

  /** What a request adds to its tools and messages; less than 0 where it takes the end from an answer that is begun. */
  async request(settings: PromptSettings, begun: boolean): Promise<number> {
    const added = await countPiecesSliced(this.tokenizer, this.#template.request(settings, begun));
    return begun ? added - countPieces(this.tokenizer, this.#template.ending) : added;
  }

  /** Calls within an answer. */
  calls(calls: readonly ToolCall[]): Promise<number> {
    return countPiecesSliced(this.tokenizer, this.#template.calls([...calls]));
  }

  /** An assistant's message without text, calls and reasoning. */
  get emptyAnswer(): MessageSize {
    if (!this.#emptyAnswer) {
      const { body, reasoning } = this.#template.message({ role: 'assistant', content: '' });
      const sizes = { tokens: countPieces(this.tokenizer, body), reasoning: countPieces(this.tokenizer, reasoning) };
      this.#emptyAnswer = sizes;
    }
    return this.#emptyAnswer;
  }

  /** What the model writes around the parts of its answer. */
  markup(thinking: boolean, begun: boolean): MarkupSizes {
    const key = `${thinking} ${begun}`;
    const known = this.#markup.get(key);
    if (known) return known;
    const { beforeReasoning, afterReasoning, beforeText, afterText, end } = this.#template.answer(thinking, begun);
    const sizes = {
      beforeReasoning: countPieces(this.tokenizer, beforeReasoning),
      afterReasoning: countPieces(this.tokenizer, afterReasoning),
      beforeText: countPieces(this.tokenizer, beforeText),
      afterText: countPieces(this.tokenizer, afterText),
      end: countPieces(this.tokenizer, end),
    };
    this.#markup.set(key, sizes);
    return sizes;
  }
}

/**
 * Which call each tool's result answers, for messages behind the newest group of a history; undefined for other messages, and
 * for results without a call.
 */
export function answeredCalls(
  newest: readonly ChatMessage[],
  messages: readonly ChatMessage[],
): (AnsweredCall | undefined)[] {
  const open = new Map<string, AnsweredCall>();
  const note = ({ role, tool_calls = [] }: ChatMessage): void => {
    if (role !== 'tool') open.clear();
    for (const [place, { id, function: called }] of tool_calls.entries()) {
      open.set(id, { tool: called.name, index: place + 1 });
    }
  };
  for (const message of newest) note(message);
  return messages.map((message) => {
    note(message);
    return message.role === 'tool' ? open.get(message.tool_call_id ?? '') : undefined;
  });
}
