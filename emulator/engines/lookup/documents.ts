import { type ChatMessage, contentText, type Tool } from '../../../contract/messages.ts';
import { isBlank, isLineBreak } from '../text/sentences.ts';
import type { LookupRequest, Question } from './question.ts';

/** The answer where the context holds none. Never evidence itself. */
export const NOT_FOUND = 'NOT_FOUND';

/**
 * Arguments of a built-in function, which the client sends back as its result. Departure: there is nothing to search, so that
 * no page takes a token.
 */
export const NO_PAGES = '{"usage":{"total_tokens":0}}';

/** A text of the context that may hold the answer. */
export interface Document {
  text: string;
  /** Whether `key: value` is a fact here. */
  facts: boolean;
  /** Sentences before here count. */
  sentencesEnd: number;
  /** A person wrote it, who may have asked before, or it quotes one. */
  fromUser: boolean;
  /** Written by compress: its lines are quotations with labels, and not all in the order of the conversation. */
  summary: boolean;
}

/** A text all of which is evidence. */
export const whole = (text: string, fromUser = false): Document => ({
  text,
  facts: true,
  sentencesEnd: text.length,
  fromUser,
  summary: false,
});

/** How a summary begins, in each of its formats. */
const SUMMARY = /^(?:# )?Summary of snapshot |^\{"summary_of":/;

/** The texts of one message, newest first: its calls were written after its content. */
function documentsOf(message: ChatMessage): Document[] {
  const text = contentText(message.content);
  if (message.role === 'user') return [whole(text, true)];
  if (message.role === 'tool' && text.replaceAll(' ', '') === NO_PAGES) return [];
  const calls = (message.tool_calls ?? []).map((call) => whole(call.function.arguments)).reverse();
  if (message.role === 'assistant' && text.trim() === NOT_FOUND) return calls;
  if (message.role === 'system' && SUMMARY.test(text)) return [{ ...whole(text, true), summary: true }];
  return text === '' ? calls : [...calls, whole(text)];
}

/** What a tool's description says. Its parameters are names to fill, no facts. */
function documentOfTool(tool: Tool): Document {
  const text = `${tool.function.name}: ${tool.function.description ?? ''}`;
  return { ...whole(text), facts: false };
}

/** What the asking message tells besides asking, newest first. */
function documentsOfQuestion(question: Question): Document[] {
  const before = whole(question.whole.slice(0, question.factsEnd), true);
  return [whole(question.whole.slice(question.after), true), { ...before, sentencesEnd: question.start }];
}

/** The whole context of a request, newest first, without its question. Lazy: an early find spares the rest. */
export function* contextOf(request: LookupRequest, question: Question): Generator<Document> {
  const { messages } = request;
  for (let index = messages.length - (request.partial ? 2 : 1); index >= 0; index -= 1) {
    const message = messages[index];
    if (message === undefined) continue;
    yield* index === question.message ? documentsOfQuestion(question) : documentsOf(message);
  }
  if (request.toolChoice !== 'none') for (const tool of request.tools) yield documentOfTool(tool);
}

/** The tool results that ended the conversation so far, newest first; empty unless the last message is one. */
export function freshResults(request: LookupRequest): Document[] {
  const messages = request.partial ? request.messages.slice(0, -1) : request.messages;
  const first = messages.findLastIndex(({ role }) => role !== 'tool') + 1;
  return messages.slice(first).reverse().flatMap(documentsOf);
}

/** A stretch of a document that is scanned at once. */
interface Block {
  from: number;
  to: number;
}

const BLOCK = 8_192;
/** Units searched for a place where neither a sentence nor a word is cut. */
const REACH = 512;

/** The blocks of a text, last first. */
export function blocksFromEnd(text: string): readonly Block[] {
  if (text.length <= BLOCK) return [{ from: 0, to: text.length }];
  const blocks: Block[] = [];
  for (let to = text.length; to > 0; ) {
    const from = to <= BLOCK ? 0 : border(text, to - BLOCK, to);
    blocks.push({ from, to });
    to = from;
  }
  return blocks;
}

function border(text: string, near: number, most: number): number {
  const last = Math.min(near + REACH, most - 1);
  let space = near;
  for (let at = near; at < last; at += 1) {
    const unit = text.charCodeAt(at);
    if (isLineBreak(unit) || unit === 0x3002) return at + 1;
    if (space === near && isBlank(unit)) space = at;
  }
  return space;
}

/** `- user #412 `, `was b#7-b#9 `: what stands before the quotation in a line of a summary. */
const LABEL =
  /^(?:[-"]\s*)?(?:(?:user|assistant|system|tool|was|[\w-]{1,64}\(\)|×\d+(?: \S{1,80})?) )?[a-z]{0,4}#\d{1,9}(?:-[a-z]{0,4}#\d{1,9})? /;
const REPLACED = /^(?:[-"]\s*)?was [a-z]{0,4}#\d/;
/** Units searched for the beginning of a line. */
const MAX_LINE = 4_000;

/** A line, or a key at its beginning, without its label. */
export const withoutLabel = (line: string): string => line.replace(LABEL, '');

/** Whether the line around an offset quotes what a later message replaced. */
export function isReplaced(text: string, at: number): boolean {
  const offset = Math.max(0, at - MAX_LINE);
  const lineStart = offset + text.slice(offset, at).lastIndexOf('\n') + 1;
  return REPLACED.test(text.slice(lineStart, lineStart + 32));
}
