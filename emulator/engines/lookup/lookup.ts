import { type ChatMessage, contentText } from '../../../contract/messages.ts';
import { isBlank, sentences } from '../text/sentences.ts';
import { contextOf, type Document, freshResults, NOT_FOUND } from './documents.ts';
import { exactReply } from './exact-reply.ts';
import { chooseTool, type LookupDelta, type LookupRequest, type Question, readQuestion } from './question.ts';
import { findEvidence } from './search.ts';

/** Answers one request: the rules of `lookupModel`, in their order. */
export async function* lookUp(request: LookupRequest): AsyncGenerator<LookupDelta> {
  request.signal.throwIfAborted();
  const { signal } = request;
  const question = readQuestion(request);
  const chosen = chooseTool(request, question);
  if (chosen !== undefined) {
    const { callArguments } = await import('./call-arguments.ts');
    yield { type: 'tool_call', name: chosen.name, arguments: await callArguments(request, question, chosen, signal) };
    return;
  }
  const prefix = request.partial ? contentText(request.messages.at(-1)?.content) : '';
  const answer = await answerText(request, question, prefix, signal);
  const text = request.partial ? continueFrom(prefix, answer) : answer;
  if (text !== '') yield { type: 'text', text };
}

/** The whole text that answers a request, or {@link NOT_FOUND}. `prefix`: what of it has been written already. */
async function answerText(
  request: LookupRequest,
  question: Question,
  prefix: string,
  signal: AbortSignal,
): Promise<string> {
  const { responseFormat } = request;
  if (responseFormat.type !== 'text') {
    // Few requests ask for JSON, and what fills it in is larger than the rest of the model.
    const { jsonReply } = await import('./json-reply.ts');
    return jsonReply(request, question, responseFormat, signal);
  }
  const json = await schemaReply(request, question, signal);
  if (json !== undefined) return json;
  const ordered = await exactReply(question.whole, signal);
  if (ordered !== undefined) return ordered;

  const results = freshResults(request);
  const told = await findEvidence(results, withoutToolNames(question.text, request), signal);
  if (told !== undefined) return told.answer;
  const evidence = await findEvidence(contextOf(request, question), question.text, signal);
  const [newest] = results;
  if (newest !== undefined && evidence?.fact === undefined) return opening(newest);
  if (evidence !== undefined) return evidence.answer;
  const continued = prefix.trim() === '' ? undefined : await findEvidence(contextOf(request, question), prefix, signal);
  return continued?.answer ?? NOT_FOUND;
}

/** JSON, where the asking message or a system message gives the schema of the answer in its text. */
async function schemaReply(request: LookupRequest, question: Question, signal: AbortSignal) {
  const given = ({ role, content }: ChatMessage, index: number): boolean =>
    (role === 'system' || index === question.message) && mayHoldSchema(contentText(content));
  if (!request.messages.some(given)) return undefined;
  const { jsonOfPrompt } = await import('./json-reply.ts');
  return jsonOfPrompt(request, question, signal);
}

/** A brace, and a word for the form of an answer: whatever else a schema has, it stands beside these. */
const mayHoldSchema = (text: string): boolean =>
  text.includes('{') && /json|schema|structured|模式|格式|结构/i.test(text);

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

/**
 * The part of an answer that continues a beginning already written: what follows the beginning where the answer starts with
 * it (in JSON whatever its spacing), or where its end and the answer's beginning overlap; else the whole answer.
 */
export function continueFrom(prefix: string, answer: string): string {
  if (answer.startsWith(prefix)) return answer.slice(prefix.length);
  const said = prefix.trimEnd();
  if (said !== '' && answer.startsWith(said)) return answer.slice(said.length).trimStart();
  const beyond = /^\s*[{[]/.test(prefix) ? skipIgnoringSpace(prefix, answer) : undefined;
  if (beyond !== undefined) return answer.slice(beyond);
  const shared = overlap(prefix, answer);
  if (shared > 0) return answer.slice(shared);
  return wantsSpace(prefix.at(-1) ?? '') && inWord(answer[0] ?? '') ? ` ${answer}` : answer;
}

const HAN = /\p{Script=Han}/u;
const LETTER = /[\p{L}\p{N}]/u;
const inWord = (character: string): boolean => LETTER.test(character) && !HAN.test(character);
const wantsSpace = (character: string): boolean => inWord(character) || /[,:;.!?]/.test(character);

/** Where in `answer` all of `prefix` has been passed, spaces apart; undefined where they differ. */
function skipIgnoringSpace(prefix: string, answer: string): number | undefined {
  let at = 0;
  for (let index = 0; index < prefix.length; index += 1) {
    if (isSpace(prefix, index)) continue;
    while (isSpace(answer, at)) at += 1;
    if (prefix[index] !== answer[at]) return undefined;
    at += 1;
  }
  return at;
}

const isSpace = (text: string, at: number): boolean =>
  isBlank(text.charCodeAt(at)) || text[at] === '\n' || text[at] === '\r';

/** Units of the longest end of `prefix`, from the beginning of a word, with which `answer` begins. */
function overlap(prefix: string, answer: string): number {
  for (let length = Math.min(prefix.length, answer.length, 200); length > 0; length -= 1) {
    const before = prefix[prefix.length - length - 1] ?? ' ';
    if (!inWord(before) && prefix.endsWith(answer.slice(0, length))) return length;
  }
  return 0;
}
