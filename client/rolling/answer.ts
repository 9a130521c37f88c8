import type { CompletionUsage } from '../../contract/chat.ts';
import { contentText } from '../../contract/content-text.ts';
import type { ToolCall } from '../../contract/messages.ts';
import type { SessionMessage, SessionState } from '../../contract/sessions.ts';
import type { ChatCompletionChunk } from '../chat.ts';

/** A turn that is committed. */
export interface TurnResult {
  text: string;
  toolCalls: ToolCall[];
  /** `unknown` where the answer was found in the session and not read from its stream. */
  finishReason: string;
  usage: CompletionUsage | null;
  session: SessionState;
}

/** Puts an answer together from its chunks. */
export class Answer {
  readonly #calls = new Map<number, ToolCall>();
  #finishReason: string | undefined;
  #usage: CompletionUsage | undefined;
  #session: SessionState | undefined;
  text = '';

  /** Whether the finish chunk has come: then the turn is committed, whatever becomes of the rest of the stream. */
  get finished(): boolean {
    return this.#finishReason !== undefined;
  }

  /** @returns the text that the chunk adds */
  take(chunk: ChatCompletionChunk): string {
    if (chunk.session) this.#session = chunk.session;
    const choice = chunk.choices[0];
    if (!choice) return '';
    if (choice.usage) this.#usage = choice.usage;
    if (choice.finish_reason) this.#finishReason = choice.finish_reason;
    for (const delta of choice.delta.tool_calls ?? []) this.#takeCall(delta);
    const text = choice.delta.content ?? '';
    this.text += text;
    return text;
  }

  /** Undefined where the server said nothing of the session. */
  result(): TurnResult | undefined {
    if (!this.#session) return undefined;
    return {
      text: this.text,
      toolCalls: [...this.#calls.values()],
      finishReason: this.#finishReason ?? 'unknown',
      usage: this.#usage ?? null,
      session: this.#session,
    };
  }

  #takeCall({ index, id, function: part }: NonNullable<Delta['tool_calls']>[number]): void {
    const call = this.#calls.get(index) ?? { index, id: '', type: 'function', function: { name: '', arguments: '' } };
    this.#calls.set(index, call);
    if (id) call.id = id;
    call.function.name += part?.name ?? '';
    call.function.arguments += part?.arguments ?? '';
  }
}

type Delta = ChatCompletionChunk['choices'][number]['delta'];

/** The result of a turn whose answer stands in the session; without `reply`, of one that was answered with nothing. */
export function storedResult(reply: SessionMessage | undefined, session: SessionState): TurnResult {
  const toolCalls = reply?.tool_calls ?? [];
  return { text: contentText(reply?.content), toolCalls, finishReason: 'unknown', usage: null, session };
}
