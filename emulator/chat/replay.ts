import type { ChatCompletion, ChatCompletionChunk, CompletionUsage } from '../../contract/chat.ts';
import { MESSAGE_FRAME_TOKENS, messageTokensSliced } from '../engines/tokens/chat-template.ts';
import type { TokenizerSource } from '../engines/tokens/tokenizer.ts';
import { Chunks } from './chunks.ts';
import { replyMessage } from './reply.ts';

/** The chunks of an answer that was given before, as they were. */
export async function* replay(
  source: TokenizerSource,
  completion: ChatCompletion,
  includeUsage: boolean,
  characters: number,
): AsyncGenerator<Iterable<ChatCompletionChunk>, void> {
  const { id, created, model, choices, usage, session } = completion;
  const chunks = new Chunks({ id, created, model }, characters);
  for (const { index, message } of choices) {
    yield [chunks.opening(index)];
    yield chunks.text(index, message.content);
    for (const call of message.tool_calls ?? []) yield chunks.call(index, call.index, call);
  }
  const usages = choices.length === 1 ? [usage] : await usagesOf(source, completion);
  for (const [place, { index, finish_reason }] of choices.entries()) {
    yield [chunks.finish(index, { finishReason: finish_reason }, usages[place] ?? usage, session)];
  }
  if (includeUsage) yield [chunks.usage(usage)];
}

/** The usage of each of several choices; stored is their sum. */
async function usagesOf(source: TokenizerSource, { choices, usage }: ChatCompletion): Promise<CompletionUsage[]> {
  const tokenizer = await source.load();
  return Promise.all(
    choices.map(async ({ message: { content, tool_calls: calls = [] } }) => {
      const tokens = await messageTokensSliced(tokenizer, replyMessage({ content, calls }));
      const completion_tokens = tokens - MESSAGE_FRAME_TOKENS;
      return { ...usage, completion_tokens, total_tokens: usage.prompt_tokens + completion_tokens };
    }),
  );
}
