import { contentText } from '../../contract/messages.ts';
import { answerText } from './lookup/answer.ts';
import { callArguments } from './lookup/call-arguments.ts';
import { continueFrom } from './lookup/continuation.ts';
import { Pace } from './lookup/pace.ts';
import { readQuestion } from './lookup/question.ts';
import { chooseTool } from './lookup/tool-choice.ts';
import type { Model, ModelDelta, ModelRequest } from './model.ts';

/**
 * The default model: looks the answer up in the prompt, and knows nothing else, so that a fact that was lost on the way is a
 * wrong answer. Deterministic and offline. In order: a tool that must be called or that the user asks for by name; JSON where
 * that is the format; what is to be replied word for word; the latest value of a key that the question names; the sentence
 * that fits best; `NOT_FOUND`. Throws the signal's reason when the request is given up.
 */
export function lookupModel(): Model {
  return { name: 'lookup', complete };
}

async function* complete(request: ModelRequest): AsyncGenerator<ModelDelta> {
  request.signal.throwIfAborted();
  const pace = new Pace(request.signal);
  const question = readQuestion(request);
  const chosen = chooseTool(request, question);
  if (chosen !== undefined) {
    yield { type: 'tool_call', name: chosen.name, arguments: await callArguments(request, question, chosen, pace) };
    return;
  }
  const prefix = request.partial ? contentText(request.messages.at(-1)?.content) : '';
  const answer = await answerText(request, question, prefix, pace);
  const text = request.partial ? continueFrom(prefix, answer) : answer;
  if (text !== '') yield { type: 'text', text };
}
