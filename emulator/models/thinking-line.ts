import { contentText } from '../../contract/messages.ts';
import type { ModelDelta, ModelRequest } from './model.ts';

/** Units of the question and of the place found that the line quotes. */
const QUOTED = 80;

/**
 * What the lookup model thinks before it answers: which message it looks at, and why. The same answer to the same prompt is
 * always thought about in the same line; less of it at a low effort.
 */
export function thinkingLine({ messages, thinking }: ModelRequest, answer: readonly ModelDelta[]): string {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const question = asked === -1 ? 'Nobody asks.' : `Message ${asked + 1} asks "${opening(messages[asked]?.content)}".`;
  const found = whereFound(messages, asked, answer);
  if (thinking === 'low') return found;
  const line = `${question} ${found}`;
  return thinking === 'high' ? line : `${line} ${searched(messages.length)}`;
}

function whereFound(messages: ModelRequest['messages'], asked: number, answer: readonly ModelDelta[]): string {
  const calls = answer.flatMap((delta) => (delta.type === 'tool_call' ? [delta.name] : []));
  if (calls.length > 0) return `It is a task for ${calls.join(' and ')}.`;
  const text = answer
    .map((delta) => (delta.type === 'text' ? delta.text : ''))
    .join('')
    .trim();
  const place = messages.findLastIndex(
    (message, index) => index !== asked && contentText(message.content).includes(text),
  );
  if (text !== '' && place !== -1) return `Message ${place + 1}, of the ${messages[place]?.role}, says it.`;
  const itself = asked !== -1 && text !== '' && contentText(messages[asked]?.content).includes(text);
  return itself ? 'The question itself says it.' : 'No message says it word for word.';
}

function opening(content: Parameters<typeof contentText>[0]): string {
  const [first = ''] = contentText(content).trim().split('\n');
  return first.length <= QUOTED ? first : `${Array.from(first).slice(0, QUOTED).join('')}…`;
}

function searched(count: number): string {
  return count === 1 ? 'It is the only message.' : `All ${count} messages were searched, the newest first.`;
}
