import type { ChatCompletion, ChatCompletionChunk } from '../../contract/chat.ts';

/** The answer of a turn that is not streamed: nobody takes its chunks, so that none are made, and the end is kept. */
export async function collect(
  answering: AsyncGenerator<Iterable<ChatCompletionChunk>, ChatCompletion>,
): Promise<ChatCompletion> {
  for (;;) {
    const step = await answering.next();
    if (step.done) return step.value;
  }
}
