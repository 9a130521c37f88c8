import { sentences } from '../text/sentences.ts';
import { contextOf, type Document, freshResults, NOT_FOUND } from './documents.ts';
import { exactReply } from './exact-reply.ts';
import type { Pace } from './pace.ts';
import type { Question } from './question.ts';
import type { LookupRequest } from './request.ts';
import { findEvidence } from './search.ts';

/** The whole text that answers a request, or {@link NOT_FOUND}. `prefix`: what of it has been written already. */
export async function answerText(
  request: LookupRequest,
  question: Question,
  prefix: string,
  pace: Pace,
): Promise<string> {
  const { responseFormat } = request;
  if (responseFormat.type !== 'text') {
    // Few requests ask for JSON, and what fills it in is larger than the rest of the model.
    const { jsonReply } = await import('./json-reply.ts');
    return jsonReply(request, question, responseFormat, pace);
  }
  const ordered = await exactReply(question.whole, pace);
  if (ordered !== undefined) return ordered;

  const results = freshResults(request);
  const told = await findEvidence(results, withoutToolNames(question.text, request), pace);
  if (told !== undefined) return told.answer;
  const evidence = await findEvidence(contextOf(request, question), question.text, pace);
  const [newest] = results;
  if (newest !== undefined && evidence?.fact === undefined) return opening(newest);
  if (evidence !== undefined) return evidence.answer;
  const continued = prefix.trim() === '' ? undefined : await findEvidence(contextOf(request, question), prefix, pace);
  return continued?.answer ?? NOT_FOUND;
}

/** The names tell whom to ask, not what: no result repeats them. */
function withoutToolNames(text: string, { tools }: LookupRequest): string {
  return tools.reduce((rest, tool) => rest.replaceAll(tool.function.name, ' '), text);
}

/** A tool result up to this many units is told whole … */
const SHORT = 2_000;
/** … and of a longer one the first sentences. */
const SENTENCES = 3;

function opening({ text }: Document): string {
  if (text.length <= SHORT) return text.trim();
  const head = text.slice(0, SHORT);
  const end = sentences(head)[SENTENCES - 1]?.end ?? head.length;
  return head.slice(0, end).trim();
}
