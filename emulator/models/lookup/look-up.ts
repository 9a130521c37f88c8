import { contentText } from '../../../contract/messages.ts';
import { later } from '../../later.ts';
import type { ModelDelta, ModelRequest } from '../model.ts';
import { answerText } from './answer.ts';
import { continueFrom } from './continuation.ts';
import { Pace } from './pace.ts';
import { readQuestion } from './question.ts';
import { chooseTool } from './tool-choice.ts';

const calls = later(() => import('./call-arguments.ts'));

/** Answers one request: the rules of `lookupModel`, in their order. */
export async function* lookUp(request: ModelRequest): AsyncGenerator<ModelDelta> {
  request.signal.throwIfAborted();
  const pace = new Pace(request.signal);
  const question = readQuestion(request);
  const chosen = chooseTool(request, question);
  if (chosen !== undefined) {
    const { callArguments } = await calls();
    yield { type: 'tool_call', name: chosen.name, arguments: await callArguments(request, question, chosen, pace) };
    return;
  }
  const prefix = request.partial ? contentText(request.messages.at(-1)?.content) : '';
  const answer = await answerText(request, question, prefix, pace);
  const text = request.partial ? continueFrom(prefix, answer) : answer;
  if (text !== '') yield { type: 'text', text };
}
