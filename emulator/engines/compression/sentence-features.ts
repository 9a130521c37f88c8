import type { Role } from '../../../contract/messages.ts';
import { type Fact, facts } from '../text/facts.ts';
import type { KeyValue, Section } from './candidates.ts';

/** One pattern for words and phrases (of which each may be a pattern), Latin ones whole, Han ones anywhere. */
function cue(latin: string, han: string): RegExp {
  const list = (text: string) => text.trim().replace(/,\s+/g, '|');
  return new RegExp(`\\b(?:${list(latin)})\\b|${list(han)}`, 'i');
}

/** Rules that somebody set. Narrow on purpose: a weak word such as "can" would let everything in. */
const CONSTRAINT = cue(
  `must(?:n't| not)?, never, always, do(?:n't| not) (?!know|have|think|see|mind|remember|want), shall(?: not)?,
   should(?:n't| not), forbidden, prohibited, not (?:allowed|permitted), mandatory, required to,
   only (?:if|when|after|use), at (?:most|least) (?:[$€£¥]?\\d+|an?|one|two|three|four|five|six|ten|half),
   no (?:more|less|later|earlier) than, under no circumstances, make sure, do(?:n't| not) want, without exception`,
  '必须, 必需, 务必, 不要, 不得, 不准, 不许, 禁止, 严禁, 切勿, 请勿, 切记, 一律, 只能, 只准, 仅限, 不超过, 不少于, 不低于, 不能超',
);
/**
 * What forbids, demands or admits one thing only, in other languages. Negations alone are left out where they say what is
 * rather than what shall be.
 */
const RULE_WORDS = [
  'niemals, nie, immer, nur, nicht, kein, keine, keinen, muss, müssen, darf, dürfen, soll, sollen, unbedingt, bitte nicht, verboten',
  'jamais, toujours, uniquement, seulement, ne, doit, doivent, devez, faut, interdit, évite[rz]?, surtout pas',
  'nunca, jamás, siempre, solo, sólo, únicamente, no, debes?, deben, debe, hay que, prohibido, evit[ae]r?',
  'sempre, apenas, somente, não, deve[mr]?, proibido, mai, soltanto, solo, non, devi, deve, devono, vietato',
  'nooit, altijd, alleen, niet, geen, moet, moeten, mag, nigdy, zawsze, tylko, nie, musi, musisz, asla, her zaman, sadece, zorunlu',
  'никогда, всегда, только, нельзя, не, должен, должна, должно, должны, обязательно, запрещено, запрещается, нужно, надо',
  'لا, يجب, دائما, دائمًا, أبدا, أبدًا, ممنوع, فقط, कभी, हमेशा, केवल, सिर्फ, मत, चाहिए',
].join(', ');
const RULE_ENDINGS =
  'ください, 下さい, なさい, ないで, するな, しないこと, すること, 必ず, 絶対, 常に, 禁止, だけ, のみ, べき, てはいけ, てはなら, なければ, 마세요, 말 것, 마라, 하지 마, 반드시, 절대, 항상, 언제나, 금지, 하세요, 해야, 만 사용';
const OTHER_RULE = new RegExp(
  `(?<![\\p{L}\\p{M}])(?:${RULE_WORDS.replace(/, /g, '|')})(?![\\p{L}\\p{M}])|${RULE_ENDINGS.replace(/, /g, '|')}`,
  'iu',
);
/** Words that several languages share with English, in which they demand nothing. */
const ENGLISH = /\b(?:the|of|and|you|that|it|are|my|for)\b/i;

const DECISION = cue(
  `decided?, decision, agreed?, approved?, confirmed, let's (?:go|use|keep|stick|do),
   (?:we|i)(?:'ll| will) (?:go with|use|take|keep|stick), go with, settled? on, opt(?:ed)? for, chose, chosen,
   switch(?:ed)? to, proceed with, instead of, signed off, final (?:answer|version|choice)`,
  '决定, 商定, 敲定, 就用, 改用, 采用, 选用, 选定, 同意, 批准, 确认, 定为, 改为, 拍板',
);
const ERROR = cue(
  `errors?, exceptions?, traceback, fatal, panic(?:ked)?, failed, failure, crash(?:ed)?, segfault,
   segmentation fault, out of memory, timed? ?out, refused, denied, corrupt(?:ed|ion)?, abort(?:ed)?, unhandled,
   not found`,
  '错误, 失败, 异常, 崩溃, 报错, 超时, 拒绝访问, 内存不足',
);
const PENDING = cue(
  `to-?do, tbd, fixme, pending, unresolved, outstanding, still (?:open|need|waiting|unclear),
   not (?:yet|decided), follow[- ]up, open question, remains to`,
  '待办, 待定, 尚未, 还没有?(?:定|决定|确认|解决|完成), 悬而未决, 未解决, 有待',
);
const REQUEST = cue(
  `please, (?:can|could|would) you, i(?:'d| would) like, i (?:need|want), (?:help|tell|show|give) me, write, fix,
   add, create, find, explain, change, update, check`,
  '请, 帮我, 帮忙, 我想, 我要, 我需要, 能不能, 能否, 麻烦, 告诉我',
);
/** Says yes or no to something rather than asking for something new. */
const REPLY = /^(?:(?:yes|yeah|no|ok(?:ay)?|sure|thanks?|great|perfect|sounds good)\b|好|是的|对|不用|可以|谢谢)/i;
const REPLY_CHARS = 100;
const QUESTION = /[?？]["'”’」』)）\]】*]*$|(?:吗|呢|么)[。.!！]?$/;

const ERROR_LABEL = /\b(?:error|exception|traceback|fatal|panic)\s?:|\bTraceback \(|(?:错误|异常)[:：]/i;
const EXCEPTION = /\b[A-Z]\w*(?:Error|Exception)\b/;
const ERRNO =
  /\bE(?:ACCES|ADDR[A-Z]+|AGAIN|BUSY|CONN[A-Z]+|EXIST|INVAL|MFILE|NOENT|NOSPC|NOTFOUND|PERM|PIPE|TIMEDOUT)\b/;
const ERROR_LEVEL =
  /\b(?:ERROR|ERR|FATAL|CRIT(?:ICAL)?|SEVERE|ALERT|EMERG|PANIC)\b|\[(?:error|fatal|crit|alert|emerg)\]/;
const ERROR_FIELD = /\blevel["']?[=:]\s?["']?(?:error|fatal|critical)/;

const PATH = /(?:^|[\s`"'(])(?:[\w@.-]+\/)+[\w.-]+\.[a-z]{1,5}\b/;
const FILE_TYPES = 'tsx?|jsx?|mjs|py|go|rs|java|kt|cc?|h|cpp|hpp|cs|rb|php|sh|sql|md|json|ya?ml|toml|ini|css|html|vue';
const FILE = new RegExp(`(?:^|[\\s\`"'(])[\\w-]+\\.(?:${FILE_TYPES})\\b`);

/** Most sentences have no other full stop than their last: they are looked at no further. */
const DOT_WITHIN = /\.[a-z]/;

const WORD = /[\p{L}\p{M}'’-]+/gu;
const RUN_ON = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu;
/** Characters of a script without spaces that make a word, roughly. */
const CHARACTERS_A_WORD = 2;
const BRIEF_WORDS = 2.5;

/**
 * A few words without a number or a name, in whatever language: a greeting, thanks, a yes. Longer formulas are found by how many
 * messages hold them (`PairFrequency`).
 */
export function isBrief(text: string): boolean {
  if (text.length > 40 || /\p{N}|\S\s+\p{Lu}.*[^!！]$|[:=|：`"“«「/\\@_]/u.test(text)) return false;
  const characters = text.match(RUN_ON)?.length ?? 0;
  const words = text.replace(RUN_ON, ' ').match(WORD)?.length ?? 0;
  return words + characters / CHARACTERS_A_WORD <= BRIEF_WORDS;
}

export const isQuestion = (text: string): boolean => QUESTION.test(text);

/** Asks for something, rather than agreeing to what was offered. */
export const isRequest = (text: string): boolean =>
  isQuestion(text) || (REQUEST.test(text) && !(text.length < REPLY_CHARS && REPLY.test(text)));

/** A log line of level error or worse. */
export const hasErrorLevel = (line: string): boolean =>
  ERROR_LEVEL.test(line) || ERROR_FIELD.test(line) || reportsError(line);

const reportsError = (text: string): boolean => ERROR_LABEL.test(text) || EXCEPTION.test(text) || ERRNO.test(text);

/**
 * The section a sentence belongs to. What a tool returned is data and never becomes a rule or a decision, whatever it
 * says.
 */
export function sectionOf(text: string, role: Role, hasFact: boolean): Section {
  const spoken = role !== 'tool';
  if (spoken && setsRule(text, role)) return 'constraints';
  if (reportsError(text) || (!spoken && ERROR.test(text))) return 'errors';
  if (PENDING.test(text)) return 'open';
  if (spoken && DECISION.test(text) && !isQuestion(text)) return 'decisions';
  if (hasFact) return 'facts';
  return namesFile(text) ? 'files' : 'notes';
}

const namesFile = (text: string): boolean =>
  (text.includes('/') && PATH.test(text)) || (DOT_WITHIN.test(text) && FILE.test(text));

function setsRule(text: string, role: Role): boolean {
  if (CONSTRAINT.test(text)) return true;
  return role !== 'assistant' && !isQuestion(text) && !ENGLISH.test(text) && OTHER_RULE.test(text);
}

/** The features of a sentence beyond its words. */
interface Features {
  readonly facts: KeyValue[];
  /** 0 … 1, see `Passage.salience`. */
  readonly salience: number;
  /** It gives a value for a name, surely enough to stand among the facts. */
  readonly isFact: boolean;
}

/** A value that differs from every other: digits, capitals, an address, a name. */
const SPECIFIC = /\d|[A-Z]{2}|\w@\w|:\/\/|^[A-Z][a-z]+(?: [A-Z][a-z]+)*$|[一二三四五六七八九十百千万两]{2}/;
/** Facts of one sentence that are looked at. */
const MAX_FACTS = 12;
const SHORT_VALUE = 48;
const LONG_VALUE = 144;
/** Before a colon: introduces what somebody said, not a value. */
const SPEAKS = /(?:[道说說曰问問答叫骂叹嚷喊]|\b(?:said|says|asked|asks|replied|answered|added|wrote|cried))$/i;
/** A fact of half its sentence is the sentence's point. */
const WHOLE_OF = 2;
/** Between a name and its value: a form rather than a sentence. */
const LABELS = /[:=：＝]/;
const QUOTES = new Set('"\'`');

/** In a sentence without a fact that can be read as one. */
const NUMBERS = /\d|[一二三四五六七八九十百千万两廿]{2}|[月初][一二三四五六七八九十]|月初/;
const NUMBER_SALIENCE = 0.7;
const NAME_SALIENCE = 0.4;
const NAMES = /\S\s+["“‘(]?[A-Z][\w-]*[a-z0-9]|[A-Z]{3}|《/;

/** Reads the features of a sentence. */
export function readFeatures(text: string): Features {
  const found = facts(text)
    .filter((fact) => !SPEAKS.test(fact.key))
    .slice(0, MAX_FACTS);
  const strength = Math.max(0, ...found.map((fact) => strengthOf(fact, text)));
  const detail = NUMBERS.test(text) ? NUMBER_SALIENCE : NAMES.test(text) ? NAME_SALIENCE : 0;
  return { facts: found.map(toKeyValue), salience: Math.max(strength, detail), isFact: strength >= 0.5 };
}

/** How surely a fact says something particular, 0 … 1; less where it is a small part of what its sentence says. */
function strengthOf(fact: Fact, text: string): number {
  return particularity(fact, text) * Math.min(1, (WHOLE_OF * (fact.end - fact.start)) / text.length);
}

function particularity({ key, value, start, end }: Fact, text: string): number {
  if (value.length > LONG_VALUE) return 0;
  if (SPECIFIC.test(value) || QUOTES.has(text.charAt(start))) return 1;
  if (value.length > SHORT_VALUE) return 0.2;
  return LABELS.test(text.slice(start + key.length, end - value.length)) ? 0.8 : 0.5;
}

function toKeyValue({ key, value }: Fact): KeyValue {
  const name = factKey(key);
  return { key: name, name, value };
}

const DETERMINER = /^(?:the|a|an|my|our|your|his|her|their|its)\s+|^(?:我们的|我的|你的|您的)/;

/** Keys that differ in case, article, markup or the like speak of the same thing. */
export function factKey(key: string): string {
  return key
    .toLowerCase()
    .replace(/[*_`"'\s-]+/g, ' ')
    .trim()
    .replace(DETERMINER, '');
}
