import { commentOf, isCodeLine, isCodeText, isFence } from './code-lines.ts';

/** A stretch of text that is read in one way. */
export interface Block {
  readonly kind: 'prose' | 'code' | 'log';
  /** A paragraph of prose, or one line of code or log. */
  readonly text: string;
}

/** Longest stretch handed out at once: bounds the time a reader spends on it. */
const BLOCK_CHARS = 32_768;
/** Lines read between two pauses. */
const LINES_A_PAUSE = 512;
const PARAGRAPH_CHARS = 4_000;
const WRAPPED_CHARS = 50;

const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const LEVEL = 'TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL';
/** How lines of logs begin: with a time, a level near the beginning, as servers log requests, as JSON. */
const LOG = [
  /^\W{0,3}(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d:\d\d:\d\d|\d\d\/\w{3}\/\d{4}|\d{10,13}\b|[EWIDF]\d{4} \d)/,
  new RegExp(`^\\W{0,3}${MONTH} [ \\d]\\d \\d\\d:`),
  new RegExp(`^.{0,48}?(?:\\b(?:${LEVEL})\\b|\\[(?:${LEVEL.toLowerCase()})\\])`),
  /^\S+ \S+ \S+ \[[^\]]{8,40}\] "/,
  /^\{"(?:ts|time|timestamp|level|lvl|severity|msg|message|logger|event)":/,
];
const LOG_CHARS = 20;
const BULLET = /^(?:[-*+•>|#]|\d{1,3}[.)、])\s?/;
const SENTENCE_END = /[.!?。！？：:；;…][”"’)）\]*_`]*$/;
const GOES_ON = /^[\p{Ll}\p{Script=Han}(,]/u;

/**
 * Reads a text from top to bottom: code lines and log lines one by one, prose by the paragraph, wrapped lines joined;
 * undefined is a pause.
 */
export function* textBlocks(text: string): Generator<Block | undefined> {
  const codeText = isCodeText(text);
  let fenced = false;
  let paragraph = '';
  let lastLine = '';
  let read = 0;
  for (const line of lines(text)) {
    if (++read % LINES_A_PAUSE === 0) yield undefined;
    if (isFence(line)) {
      fenced = !fenced;
      continue;
    }
    let trimmed = line.trim();
    let kind = kindOf(trimmed, line, fenced || codeText);
    const comment = kind === 'code' ? commentOf(trimmed) : undefined;
    if (comment !== undefined) {
      trimmed = comment;
      kind = 'prose';
    }
    const joins = kind === 'prose' && continues(lastLine, trimmed) && paragraph.length < PARAGRAPH_CHARS;
    if (!joins && paragraph !== '') {
      yield { kind: 'prose', text: paragraph };
      paragraph = '';
    }
    if (kind !== 'prose') yield { kind, text: trimmed };
    else if (trimmed !== '') paragraph = joins ? `${paragraph} ${trimmed}` : trimmed;
    lastLine = kind === 'prose' ? trimmed : '';
  }
  if (paragraph !== '') yield { kind: 'prose', text: paragraph };
}

function kindOf(trimmed: string, line: string, inCode: boolean): Block['kind'] {
  if (trimmed === '') return 'prose';
  if (isLogLine(trimmed)) return 'log';
  return inCode || isCodeLine(line) ? 'code' : 'prose';
}

const isLogLine = (line: string): boolean => line.length > LOG_CHARS && LOG.some((start) => start.test(line));

function continues(before: string, line: string): boolean {
  return before.length >= WRAPPED_CHARS && !SENTENCE_END.test(before) && GOES_ON.test(line) && !BULLET.test(line);
}

function* lines(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    for (; end - start > BLOCK_CHARS; start += BLOCK_CHARS) yield text.slice(start, start + BLOCK_CHARS);
    yield text.slice(start, end);
    start = end + 1;
  }
}
