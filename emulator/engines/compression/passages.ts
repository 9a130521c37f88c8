import type { Role } from '../../../contract/messages.ts';
import { sentences } from '../text/sentences.ts';
import { type Joint, type Passage, plainPassage } from './candidates.ts';
import { hasErrorLevel, isBrief, isQuestion, readFeatures, sectionOf } from './sentence-features.ts';
import { TURN_CHARS } from './speakers.ts';
import { chop, oneLine, quote } from './summary-format.ts';

const ENDING = /(?:[;{}]|=>|\)\s*:|\*\/)\s*$/;
const OPENING = startsWith(
  'import , export , const , let , var , function , class , interface , def , return\\b, else\\b, case , package ',
  'public , private , protected , static , fn , func , impl , struct , if ?\\(, for ?\\(, while ?\\(, switch ?\\(',
  'from \\S+ import, #include, #define, use \\w+::, @\\w+, //, /\\*, \\*[ /], [\'"]use , [})\\]], </?\\w+[^>]*>$',
);
/** What a line of prose would not be, wherever it stands. */
const STRONG = startsWith(
  '(?:import|export) [\\w{*].*(?:from\\s|[;{=]), (?:const|let|var) [\\w{[].*=, (?:async )?function\\*? ?\\w*\\(',
  '#include ["<], (?:public|private) \\w+ , def \\w+\\(.*:\\s*$',
);
const INDENTED = /^\s+.*(?:[;{]|\);?)$/;

const MODIFIER =
  'export|default|declare|public|private|protected|static|final|abstract|async|pub(?:\\(\\w+\\))?|unsafe|extern';
const KEYWORD =
  'function|class|interface|type|enum|struct|trait|impl|def|fn|func|module|namespace|package|const|let|var|val|#define';
const DECLARATION = new RegExp(`^(?:(?:${MODIFIER}) )*(?:${KEYWORD})\\b[* ]+[\\w$[{]`);
const ASSIGNED =
  /^(?:export )?[\w$.]+ ?= ?(?:async )?(?:function|\([^)]*\) ?=>|class\b)|^(?:exports|module\.exports)\b/;
const TABLE = /^CREATE (?:TABLE|INDEX|VIEW)/i;

/** A name given a value that can be written down: what readers of code come back for. */
const CONSTANT = /[\w"'\])>]\s?[:=]\s?(?:-?\d|["'`][^"'`]|true\b|false\b|None\b|\/\S)/;
const COMMENT = /^(?:\/\/+|\/\*+|\*+(?!\/)|#(?!include|define|if|endif|\{)|--|<!--|;;|"""|''')\s?/;
const COMMENT_ENDS = ['*/', '-->', '"""', "'''"];

const SAMPLE_LINES = 60;
const SAMPLE_CHARS = 6_000;
/** So many of a text's lines look like code where it is code. */
const CODE_SHARE = 0.45;

/** A fence: the text around it is not code, whatever it looks like. */
const isFence = (line: string): boolean => /^\s*(?:```|~~~)/.test(line);

/** Whether most of a text's first lines are code. */
function isCodeText(text: string): boolean {
  const sample = text
    .slice(0, SAMPLE_CHARS)
    .split('\n', SAMPLE_LINES)
    .filter((line) => line.trim() !== '');
  const code = sample.filter((line) => ENDING.test(line) || OPENING.test(line)).length;
  return sample.length >= 3 && !sample.some(isFence) && code >= sample.length * CODE_SHARE;
}

/** Whether one line is surely code, wherever it stands. */
const isCodeLine = (line: string): boolean => (STRONG.test(line) || INDENTED.test(line)) && ENDING.test(line);

const isDeclaration = (line: string): boolean => DECLARATION.test(line) || ASSIGNED.test(line) || TABLE.test(line);

const setsConstant = (line: string): boolean => CONSTANT.test(line);

/** The words of a comment line without blanks around it, or undefined where the line is none. */
function commentOf(line: string): string | undefined {
  if (!COMMENT.test(line)) return undefined;
  const words = line.replace(COMMENT, '');
  const end = COMMENT_ENDS.find((mark) => words.endsWith(mark));
  return (end === undefined ? words : words.slice(0, -end.length)).trim();
}

function startsWith(...lists: string[]): RegExp {
  return new RegExp(`^\\s*(?:${lists.flatMap((list) => list.split(', ')).join('|')})`);
}

/** A stretch of text that is read in one way. */
interface Block {
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
export const SENTENCE_END = /[.!?。！？：:；;…][”"’)）\]*_`]*$/;
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

const LIST_MARK = /^(?:[-*+•>]|#{1,6})\s+/;
/** Marks of bold print around words; not those of code and of patterns, such as `src/**`. */
const BOLD = /(?<![^\s"'“(])(?:\*\*|__)(?=\S)([^*_\n]{1,200}?)(?<=\S)(?:\*\*|__)(?![\p{L}\p{N}/*_])/gu;
/** What a list item is about, the mark after it, and what is said of it. */
const LIST_ITEM = /^(?:[-*+•]|\d{1,3}[.)、])\s+(\S.{1,58}?)(: | [-–—] )(?=\S)/;
/** A list item; one no longer than this is a name rather than a statement. */
const ITEM = /^(?:[-*+•]|\d{1,3}[.)、])\s+\S/;
export const NAME_CHARS = 60;
/** What is said of it takes a sentence; a shorter rest is its value, and stays with it. */
const LEAST_DESCRIPTION = 60;
/** A letter that quotes another, or is signed: its lines are set by its width. */
const QUOTES_OTHERS = /^(?:>|--\s*$)/m;
/** The pieces of a text that may be kept: sentences, lines of code, lines of logs; undefined is a pause. */
export function* textPassages(text: string, role: Role): Generator<Passage | undefined> {
  const demands = role === 'user' && text.length <= TURN_CHARS && text.includes('\n') && !QUOTES_OTHERS.test(text);
  for (const block of textBlocks(text)) {
    if (block === undefined) yield block;
    else if (block.kind === 'code') yield* codePassages(block.text);
    else if (block.kind === 'log') yield* logPassages(block.text);
    else yield* prosePassages(block.text, role, demands);
  }
}

/** Where a user sets lines apart (`demands`), a line that neither asks, nor leads up to others, nor gives a value sets a rule. */
function* prosePassages(paragraph: string, role: Role, demands: boolean): Generator<Passage | undefined> {
  const plain = paragraph.replace(BOLD, '$1');
  const [item = '', name = '', mark] = LIST_ITEM.exec(plain) ?? [];
  const isNamed = mark !== undefined && plain.length - item.length >= LEAST_DESCRIPTION;
  if (isNamed) {
    const numbered = quote(item.slice(0, item.lastIndexOf(name) + name.length).replace(LIST_MARK, ''));
    const passage = prosePassage(numbered, role, '\n');
    passage.leads = true;
    passage.names = true;
    yield passage;
  }
  let joint: Joint = isNamed ? (mark as Joint) : '\n';
  const said = isNamed ? plain.slice(item.length) : plain;
  for (const { start, end } of sentences(said)) {
    const text = quote(said.slice(start, end).replace(LIST_MARK, ''));
    if (text === '') yield undefined;
    else {
      const passage = prosePassage(text, role, joint);
      if (!isNamed && plain.length <= NAME_CHARS && ITEM.test(plain)) passage.names = true;
      const isAlone = start === 0 && end === said.trimEnd().length;
      if (demands && isAlone && isRuleByPlace(passage)) passage.section = 'constraints';
      yield passage;
      joint = ' ';
    }
  }
}

const RULE_CHARS = 120;

function isRuleByPlace({ section, text, asks, salience }: Passage): boolean {
  return (
    section === 'notes' &&
    !asks &&
    salience < 0.5 &&
    text.length <= RULE_CHARS &&
    !/[:：…]$/.test(text) &&
    !isBrief(text)
  );
}

/** One sentence, already quoted, judged by its words. */
export function prosePassage(text: string, role: Role, joint: Joint = ' '): Passage {
  const { facts, salience, isFact } = readFeatures(text);
  // Filled in rather than copied: there are a hundred thousand of them.
  const passage = plainPassage(sectionOf(text, role, isFact), text);
  passage.facts = facts;
  passage.salience = salience;
  passage.asks = isQuestion(text);
  passage.joint = joint;
  return passage;
}

function* codePassages(line: string): Generator<Passage> {
  const declares = isDeclaration(line);
  const salience = setsConstant(line) ? 1 : 0;
  const weight = declares ? 1.3 : salience > 0 ? 1 : 0.7;
  for (const piece of chop(oneLine(line))) {
    const section = declares || salience > 0 ? 'files' : 'notes';
    yield { ...plainPassage(section, quote(piece)), weight, salience, joint: '\n', document: true };
  }
}

function* logPassages(line: string): Generator<Passage> {
  const section = hasErrorLevel(line) ? 'errors' : 'logs';
  for (const piece of chop(oneLine(line))) {
    yield { ...plainPassage(section, quote(piece)), log: true };
  }
}
