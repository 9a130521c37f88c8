import type { Role } from '../../../contract/messages.ts';
import { sentences } from '../text/sentences.ts';
import { isDeclaration, setsConstant } from './code-lines.ts';
import { hasErrorLevel, isQuestion, sectionOf } from './cues.ts';
import { readNews } from './news.ts';
import { chop, oneLine, quote } from './quote.ts';
import { textBlocks } from './text-blocks.ts';
import type { Draft } from './unit.ts';

const LIST_MARK = /^(?:[-*+•>]|#{1,6})\s+/;
/** The pieces of a text that may be kept: sentences, lines of code, lines of logs; undefined is a pause. */
export function* textDrafts(text: string, role: Role): Generator<Draft | undefined> {
  for (const block of textBlocks(text)) {
    if (block === undefined) yield block;
    else if (block.kind === 'code') yield* codeDrafts(block.text);
    else if (block.kind === 'log') yield* logDrafts(block.text);
    else yield* proseDrafts(block.text, role);
  }
}

function* proseDrafts(paragraph: string, role: Role): Generator<Draft | undefined> {
  for (const { start, end } of sentences(paragraph)) {
    const text = quote(paragraph.slice(start, end).replace(LIST_MARK, ''));
    yield text === '' ? undefined : proseDraft(text, role);
  }
}

/** One sentence, already quoted, judged by its words. */
export function proseDraft(text: string, role: Role): Draft {
  const { told, news, isFact } = readNews(text);
  const section = sectionOf(text, role, isFact);
  return { section, text, weight: 1, facts: told, news, asks: isQuestion(text), joint: ' ', log: false };
}

function* codeDrafts(line: string): Generator<Draft> {
  const declares = isDeclaration(line);
  const news = setsConstant(line) ? 1 : 0;
  const weight = declares ? 1.3 : news > 0 ? 1 : 0.7;
  for (const piece of chop(oneLine(line))) {
    const section = declares || news > 0 ? 'files' : 'notes';
    yield { section, text: quote(piece), weight, facts: [], news, asks: false, joint: ' ', log: false };
  }
}

function* logDrafts(line: string): Generator<Draft> {
  const section = hasErrorLevel(line) ? 'errors' : 'logs';
  for (const piece of chop(oneLine(line))) {
    yield { section, text: quote(piece), weight: 1, facts: [], news: 0, asks: false, joint: ' ', log: true };
  }
}
