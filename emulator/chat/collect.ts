import type { ChatCompletion, ChatCompletionChunk } from '../../contract/chat.ts';

/** The answer of a turn that is not streamed: the same chunks are made, and only the end is kept. */
export async function collect(chunks: AsyncGenerator<ChatCompletionChunk, ChatCompletion>): Promise<ChatCompletion> {
  for (;;) {
    const step = await chunks.next();
    if (step.done) return step.value;
  }
}
