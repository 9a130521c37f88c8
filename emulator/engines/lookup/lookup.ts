import { contentText } from '../../../contract/messages.ts';
import { answerText } from './answer.ts';
import { continueFrom } from './continuation.ts';
import { Pace } from './pace.ts';
import { readQuestion } from './question.ts';
import type { LookupDelta, LookupRequest } from './request.ts';
import { chooseTool } from './tool-choice.ts';

/** Answers one request: the rules of `lookupModel`, in their order. */
export async function* lookUp(request: LookupRequest): AsyncGenerator<LookupDelta> {
  request.signal.throwIfAborted();
  const pace = new Pace(request.signal);
  const question = readQuestion(request);
  const chosen = chooseTool(request, question);
  if (chosen !== undefined) {
    const { callArguments } = await import('./call-arguments.ts');
    yield { type: 'tool_call', name: chosen.name, arguments: await callArguments(request, question, chosen, pace) };
    return;
  }
  const prefix = request.partial ? contentText(request.messages.at(-1)?.content) : '';
  const answer = await answerText(request, question, prefix, pace);
  const text = request.partial ? continueFrom(prefix, answer) : answer;
  if (text !== '') yield { type: 'text', text };
}
