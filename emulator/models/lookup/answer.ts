import { sentences } from '../../engines/text/sentences.ts';
import { later } from '../../later.ts';
import type { ModelRequest } from '../model.ts';
import { contextOf, type Document, freshResults, NOT_FOUND } from './documents.ts';
import { exactReply } from './exact-reply.ts';
import type { Pace } from './pace.ts';
import type { Question } from './question.ts';

// Most of the model's modules, and no answer needs all of them.
const json = later(() => import('./json-reply.ts'));
const search = later(() => import('./search.ts'));

/** The whole text that answers a request, or {@link NOT_FOUND}. `prefix`: what of it has been written already. */
export async function answerText(
  request: ModelRequest,
  question: Question,
  prefix: string,
  pace: Pace,
): Promise<string> {
  const { responseFormat } = request;
  if (responseFormat.type !== 'text') return (await json()).jsonReply(request, question, responseFormat, pace);
  const ordered = await exactReply(question.whole, pace);
  if (ordered !== undefined) return ordered;

  const { findEvidence } = await search();
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
function withoutToolNames(text: string, { tools }: ModelRequest): string {
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
