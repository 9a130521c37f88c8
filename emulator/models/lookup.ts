import { contentText } from '../../contract/messages.ts';
import type { Model, ModelDelta, ModelRequest } from './model.ts';

/**
 * The default model: looks the answer up in the prompt, and knows nothing else, so that a fact that was lost on the way is a
 * wrong answer. Deterministic and offline. In order: a tool that must be called or that the user asks for by name; JSON where
 * that is the format; what is to be replied word for word; the latest value of a key that the question names; the sentence
 * that fits best; `NOT_FOUND`. Where it is to think, it says first where it has found the answer. Throws the signal's reason
 * when the request is given up.
 */
export function lookupModel(): Model {
  let rules: typeof import('../engines/lookup/lookup.ts') | undefined;
  async function* answer(request: ModelRequest): AsyncGenerator<ModelDelta> {
    // They are half of the server's modules: they are loaded with the first question, not before the first answer.
    rules ??= await import('../engines/lookup/lookup.ts');
    if (request.thinking === undefined) {
      yield* rules.lookUp(request);
      return;
    }
    const found: ModelDelta[] = [];
    for await (const delta of rules.lookUp(request)) found.push(delta);
    yield { type: 'reasoning', text: thinkingLine(request, found) };
    yield* found;
  }
  return {
    name: 'lookup',
    complete: (request) => (rules && request.thinking === undefined ? rules.lookUp(request) : answer(request)),
  };
}

/** Units of the question and of the place found that the line quotes. */
const QUOTED = 80;

/**
 * What the lookup model thinks before it answers: which message it looks at, and why. The same answer to the same prompt is
 * always thought about in the same line; less of it at a low effort.
 */
function thinkingLine({ messages, thinking }: ModelRequest, answer: readonly ModelDelta[]): string {
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
