import type { ChatCompletionChunk, CompletionUsage } from '../../contract/chat.ts';
import type { ToolCall } from '../../contract/messages.ts';
import { SYSTEM_FINGERPRINT } from '../../contract/model-names.ts';
import type { SessionState } from '../../contract/sessions.ts';
import { wholeCharacters } from './bounded.ts';
import type { Reply } from './reply.ts';

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

  /** @param characters of one content chunk */
  constructor(heading: Heading, characters: number) {
    this.#heading = heading;
    this.#characters = characters;
  }

  opening(index: number): ChatCompletionChunk {
    return this.#chunk(index, { role: 'assistant', content: '' });
  }

  *text(index: number, text: string): Generator<ChatCompletionChunk> {
    for (let rest = text; rest !== ''; ) {
      const head = wholeCharacters(rest, this.#characters) || rest.slice(0, 2);
      yield this.#chunk(index, { content: head });
      rest = rest.slice(head.length);
    }
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
    return {
      ...this.#frame([{ index, delta: {}, finish_reason: reply.finishReason, usage }]),
      system_fingerprint: SYSTEM_FINGERPRINT,
      ...(session && { session }),
    };
  }

  usage(usage: CompletionUsage): ChatCompletionChunk {
    return { ...this.#frame([]), usage };
  }

  #chunk(index: number, delta: Delta): ChatCompletionChunk {
    return this.#frame([{ index, delta, finish_reason: null }]);
  }

  #frame(choices: ChatCompletionChunk['choices']): ChatCompletionChunk {
    const { id, created, model } = this.#heading;
    return { id, object: 'chat.completion.chunk', created, model, choices };
  }
}
