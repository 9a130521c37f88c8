import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { InputMessage } from '../contract/messages.ts';
import { UsageError } from './flags.ts';
import type { Step } from './step.ts';

/** Tools that answer nothing do occur; the API takes no empty content. */
const NOTHING = '(nothing)';

/**
 * Recorded dialogues, one JSON object with `messages` a line. What a user said is asked again; what assistant and tools
 * answered then is written as it was. Instructions are pinned, so that a cut leaves them, and written once where dialogues share them.
 * @throws UsageError for a line that is not a dialogue
 */
export async function* dialogueSteps(path: string): AsyncGenerator<Step> {
  const instructions = new Set<string>();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() === '') continue;
    const messages = messagesOf(text);
    if (!messages) throw new UsageError(`${path}, line ${line}: no object with messages`);
    for (const [index, message] of messages.entries()) {
      const ends = index === messages.length - 1;
      const { role, content } = message;
      if (role === 'user' && typeof content === 'string') yield { ask: content, ends };
      else if (role === 'tool') yield { append: { ...message, content: content || NOTHING }, ends };
      else if (role !== 'system') yield { append: message, ends };
      else if (!instructions.has(String(content))) yield { append: { ...message, pinned: true }, ends };
      if (role === 'system') instructions.add(String(content));
    }
  }
}

function messagesOf(line: string): InputMessage[] | undefined {
  try {
    const { messages } = JSON.parse(line) as { messages?: unknown };
    return InputMessage.array().parse(messages);
  } catch {
    return undefined;
  }
}
