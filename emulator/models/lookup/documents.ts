import { type ChatMessage, contentText, type Tool } from '../../../contract/messages.ts';
import { isBlank, isLineBreak } from '../../text/characters.ts';
import type { ModelRequest } from '../model.ts';
import type { Question } from './question.ts';

/** The answer where the context holds none. Never evidence itself. */
export const NOT_FOUND = 'NOT_FOUND';

/** A text of the context that may hold the answer. */
export interface Document {
  text: string;
  /** Whether `key: value` is a fact here. */
  facts: boolean;
  /** Sentences before here count. */
  sentencesEnd: number;
  /** A person wrote it, who may have asked before. */
  fromUser: boolean;
}

const whole = (text: string, fromUser = false): Document => ({
  text,
  facts: true,
  sentencesEnd: text.length,
  fromUser,
});

/** The texts of one message, newest first: its calls were written after its content. */
export function documentsOf(message: ChatMessage): Document[] {
  const calls = (message.tool_calls ?? []).map((call) => whole(call.function.arguments)).reverse();
  const text = contentText(message.content);
  if (message.role === 'assistant' && text.trim() === NOT_FOUND) return calls;
  return [...calls, whole(text, message.role === 'user')];
}

/** What a tool's description says. Its parameters are names to fill, no facts. */
function documentOfTool(tool: Tool): Document {
  const text = `${tool.function.name}: ${tool.function.description ?? ''}`;
  return { text, facts: false, sentencesEnd: text.length, fromUser: false };
}

/** What the asking message tells besides asking, newest first. */
function documentsOfQuestion(question: Question): Document[] {
  const before = whole(question.whole.slice(0, question.factsEnd), true);
  return [whole(question.whole.slice(question.after), true), { ...before, sentencesEnd: question.start }];
}

/** The whole context of a request, newest first, without its question. */
export function contextOf(request: ModelRequest, question: Question): Document[] {
  const messages = request.partial ? request.messages.slice(0, -1) : request.messages;
  const found = messages.flatMap((message, index) =>
    index === question.message ? documentsOfQuestion(question).reverse() : documentsOf(message).reverse(),
  );
  return [...found.reverse(), ...request.tools.map(documentOfTool)].filter((document) => document.text !== '');
}

/** The tool results that ended the conversation so far, newest first; empty unless the last message is one. */
export function freshResults(request: ModelRequest): Document[] {
  const messages = request.partial ? request.messages.slice(0, -1) : request.messages;
  const first = messages.findLastIndex(({ role }) => role !== 'tool') + 1;
  return messages.slice(first).reverse().flatMap(documentsOf);
}

/** A stretch of a document that is scanned at once. */
export interface Block {
  from: number;
  to: number;
}

const BLOCK = 16_384;
/** Units searched for a place where neither a sentence nor a word is cut. */
const REACH = 512;

/** The blocks of a text, last first. */
export function* blocksFromEnd(text: string): Generator<Block> {
  let to = text.length;
  while (to > 0) {
    const from = to <= BLOCK ? 0 : border(text, to - BLOCK, to);
    yield { from, to };
    to = from;
  }
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
