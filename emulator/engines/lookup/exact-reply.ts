import { sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import { endsSentence, isBlank, sentences } from '../text/sentences.ts';
import { words } from './keys.ts';
import { asks } from './question.ts';

/**
 * What a message orders to be said word for word (`Reply with only X`, `Say exactly "X"`, `只回复X`), or undefined. An order that
 * describes its answer (`reply with only the code`, `只回答数字`) or holds only under a condition is none; nor is one in the midst
 * of a long text: an order opens the message, or ends, together with what it wants, in its last {@link TAIL} units.
 */
export async function exactReply(message: string, signal: AbortSignal): Promise<string | undefined> {
  const tail = message.length - TAIL;
  let units = 0;
  for await (const { start, end } of ordersFromEnd(message, signal)) {
    if (isConditional(message, start)) continue;
    const reading = read(message, end, message.slice(Math.max(0, start - TAIL), start));
    const inPlace =
      start >= tail || reading.end >= tail || /^[\s"'*]*(?:please\s+|请)?$/i.test(message.slice(0, start));
    if (reading.reply !== undefined && inPlace) return reading.reply;
    units += reading.end - end;
    if (units > MAX_READINGS * message.length) return undefined;
  }
  return undefined;
}

/** Times the message's length that its orders are read for: orders in orders would cost its length for each of them. */
const MAX_READINGS = 2;

const CONDITION =
  /\b(?:if|unless|when|whenever|otherwise|in case|should you|do not|don['’]t|never)\b|如果|若|否则|要是|除非|不要|别/i;

/** Looks at the part of the order's own sentence that stands before it. */
function isConditional(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && at - start < 300 && !endsSentence(text, start - 1)) start -= 1;
  return CONDITION.test(text.slice(start, at));
}

const NAMING =
  /^\s*(?:(?:a|the|this)\s+)?(?:(?:single|one|exact|following)\s+)*(?:word|phrase|text|string|sentence|line|token)s?(?:\s+only)?\s*[:：]?\s*/i;
const QUOTES: Record<string, string> = {
  '"': '"',
  "'": "'",
  '`': '`',
  '“': '”',
  '‘': '’',
  '「': '」',
  '『': '』',
  '《': '》',
};

/** What is to be replied, if anything is, and the unit up to which that was looked for. */
interface Reading {
  reply?: string | undefined;
  end: number;
}

function read(text: string, from: number, before: string): Reading {
  const naming = NAMING.exec(text.slice(from, from + 80))?.[0] ?? '';
  let at = from + naming.length;
  while (isBlank(text.charCodeAt(at))) at += 1;
  const announced = /[:：]\s*$/.test(naming) || /[:：]/.test(text[at] ?? '');
  if (/[:：]/.test(text[at] ?? '')) at += 1;
  while (isBlank(text.charCodeAt(at))) at += 1;
  if (text[at] === '\n') return announced ? readRest(text, at) : { end: at };
  const quoted = readQuoted(text, at);
  if (quoted?.reply !== undefined) return isConditionalAfter(text, quoted.end) ? { end: quoted.end } : quoted;
  const literal = readLiteral(text, at, announced);
  const end = Math.max(quoted?.end ?? at, at + literal.length);
  if (literal === '' || isConditionalAfter(text, at + literal.length)) return { end };
  if (!announced && /\s(?:if|unless|when)\s/i.test(literal.slice(-TAIL))) return { end };
  return !announced && naming === '' && describes(literal, before) ? { end } : { reply: literal, end };
}

/** Lines that follow their order. Where the last of them asks, they are rather a text that holds some such words. */
function readRest(text: string, at: number): Reading {
  const rest = text.slice(at).trim();
  const ends = rest.slice(-TAIL);
  const asking = rest.length > TAIL && asks(ends.slice(sentences(ends).at(-1)?.start ?? 0));
  return { reply: asking ? undefined : fenced(rest) || undefined, end: text.length };
}

const CONDITIONAL_REST = /^["'”’`]?\s*,?\s*(?:if|when|unless|in case|or)\b|^["'”’`]?\s*[，,]?(?:如果|若|当|或)/i;
/** Units in which what follows a reply is told. */
const FOLLOWING = 100;

const isConditionalAfter = (text: string, at: number): boolean => CONDITIONAL_REST.test(text.slice(at, at + FOLLOWING));

/** Undefined where no quotation begins; without a reply where it does not end. */
function readQuoted(text: string, at: number): Reading | undefined {
  const fence = text.startsWith('```', at) ? '```' : undefined;
  const closing = fence ?? QUOTES[text[at] ?? ''];
  if (closing === undefined) return undefined;
  const end = text.indexOf(closing, at + closing.length);
  if (end <= at) return { end: text.length };
  const reply = fence === undefined ? text.slice(at + 1, end) : fenced(text.slice(at, end + 3));
  return { reply, end: end + closing.length };
}

function fenced(text: string): string {
  return /^```\w*\n?([\s\S]*?)\n?```/.exec(text)?.[1] ?? text;
}

const ENDINGS =
  /\s*(?:[,.，。;；]?\s*(?:and |with )?nothing (?:else|more|but that)|,?\s+without (?:any|quotes|punctuation|anything)|,?\s+with no |,?\s+(?:please|only|exactly|verbatim)\s*[.!]?$|\s+and (?:nothing|then stop|stop)|\s*\((?:no|without|nothing)|[,，]?\s*(?:不要|别|无需|不得|不用|即可|就行|就好|就可以|其他|不带|[一二两三四五六几\d]个?(?:汉?字|词|字母))).*$/iu;

/** Stands in every one of them: most texts hold none of it, and looking for the endings themselves is slow. */
const ENDING_HINT = /nothing|without|with no |please|only|exactly|verbatim|stop|\(no|[^\0-\x7f]/i;

function readLiteral(text: string, from: number, announced: boolean): string {
  let end = literalEnd(text, from, announced);
  if (/[!?！？]/.test(text[end] ?? '')) end += 1;
  const border = Math.max(from, end - TAIL);
  const last = text.slice(border, end);
  const literal = (text.slice(from, border) + (ENDING_HINT.test(last) ? last.replace(ENDINGS, '') : last)).trim();
  return !announced && literal.length < TAIL && /^\S+[.。]$/u.test(literal) ? literal.slice(0, -1) : literal;
}

/** Every unit with which a sentence may end. */
const STOP = /[\n\r\u2028.!?。！？；｡”’」』）】》"')\]*]/g;
/** Stops that are looked at: a text of more that end no sentence is taken to the end of its line. */
const MAX_STOPS = 10_000;
const AFTERTHOUGHT = /^[\s*]*(?:do not|don['’]t|no |nothing|不要|别)/i;

/** Where the sentence ends, or, for what is announced, the line, but for an afterthought about the reply. */
function literalEnd(text: string, from: number, announced: boolean): number {
  const line = announced ? text.indexOf('\n', from) : -1;
  const most = line < 0 ? text.length : line;
  const first = announced ? Math.max(from, most - TAIL) : from;
  let left = MAX_STOPS;
  for (const { index } of text.slice(first, most).matchAll(STOP)) {
    const at = first + index;
    if (endsSentence(text, at) && (!announced || AFTERTHOUGHT.test(text.slice(at + 1, at + FOLLOWING)))) return at;
    left -= 1;
    if (left === 0) break;
  }
  if (left > 0 || announced) return most;
  const lineEnd = text.indexOf('\n', from);
  return lineEnd < 0 ? text.length : lineEnd;
}

const DESCRIBING =
  /^(?:the|a|an|your|its|his|her|their|my|one|two|three|what|which|whether|as|in|valid|raw|numbers?|digits?|json|yes or|true or|with|if|when|after|to|from|about|using|for|based|words?)\b/i;
const DESCRIBING_HAN =
  /^(?:数字|名字|姓名|答案|结果|内容|一个|一句|这个|那个|该|它|他|她|其|值|编号|密码$|JSON|json|英文|中文|是或否|是否|对或错|我的|你的|问题|以|用|上)/u;

/** Whether words without quotes tell what the answer is like instead of being it. */
function describes(literal: string, before: string): boolean {
  if (DESCRIBING.test(literal) || DESCRIBING_HAN.test(literal)) return true;
  const content = literal.length > TAIL ? [] : words(literal).filter((word) => word.weight > 0);
  if (content.length === 0 || !/[?？]/.test(before)) return false;
  const asked = new Set(words(before).map((word) => word.text));
  return content.every((word) => asked.has(word.text));
}

/** Units at the end of a message in which every kind of order is looked for. */
export const TAIL = 2_000;

/** An order to reply with something: offsets of its words, `end` exclusive. What is to be replied follows them. */
export interface Order {
  start: number;
  end: number;
}

interface Kind {
  /** One of them stands in each order of the kind, in small letters: most texts hold none, and looking for that is quick. */
  words: readonly string[];
  /** The same for what is more than a word. */
  hint?: RegExp;
  order: RegExp;
  /** Looks beyond the order for its end, so that what is to be replied is short. */
  near?: true;
}

const VERB = '(?:reply|respond|answer|say|return|output|write|print|send)';
const ORDERS: readonly Kind[] = [
  // Reply with only X, answer only with X, say just X, respond exactly: X
  {
    words: ['only', 'exactly', 'just', 'nothing but', 'precisely'],
    order: new RegExp(
      `\\b${VERB}(?:\\s+(?:to me|back|me))?\\s+(?:with\\s+)?(?:only|exactly|just|nothing but|precisely)(?:\\s+with)?(?![\\w-])`,
      'gi',
    ),
  },
  // Only reply with X, just say X, simply answer X
  {
    words: ['only', 'just', 'simply'],
    order: new RegExp(`\\b(?:only|just|simply)\\s+${VERB}(?:\\s+with)?(?![\\w-])`, 'gi'),
  },
  // Reply with the word X, reply with this text: X
  {
    words: ['word', 'phrase', 'text', 'string', 'sentence', 'line'],
    order: new RegExp(
      `\\b${VERB}\\s+with\\s+(?=(?:a|the|this)\\s+(?:single\\s+|one\\s+|exact\\s+|following\\s+)?(?:word|phrase|text|string|sentence|line)s?\\b)`,
      'gi',
    ),
  },
  // 只回复 X, 请仅回答 X, 只需输出 X
  {
    words: ['只', '仅', '就', '直'],
    order:
      /(?:只|仅|就|直接)(?:需要?|要|能|可以?|用|准)?(?:回复|回答|答复|输出|返回|说|写|回)(?:一?个?(?:字|词|单词|句子?)|以下内容|下面的内容|文字)?/g,
  },
  // X and nothing else
  {
    near: true,
    words: ['nothing'],
    hint: /nothing\s+else/i,
    order: new RegExp(
      `\\b${VERB}(?:\\s+with)?\\s+(?=["'“‘\`]?\\S.{0,200}?["'”’\`]?[,.]?\\s+(?:and|with)\\s+nothing\\s+else)`,
      'gi',
    ),
  },
  // Reply with X only.
  {
    near: true,
    words: ['only'],
    hint: /\sonly[.!]?\s*(?:\n|$)/i,
    order: new RegExp(`\\b${VERB}(?:\\s+with)?\\s+(?=\\S[^.!?\\n]{0,100}?\\s+only[.!]?\\s*(?:\\n|$))`, 'gi'),
  },
  // 回复 X 即可
  {
    near: true,
    words: ['即', '就', '不', '别', '无'],
    order:
      /(?:回复|回答|输出|说)(?=.{1,100}?(?:即可|就行|就好|就可以|[，,。；]\s*(?:不要|别|无需|不需要).{0,4}(?:其他|其它|别的|多余)))/g,
  },
];

const NOT_NEAR = ORDERS.filter(({ near }) => near === undefined);

/** Units searched at once before the tail. */
const CHUNK = 16_384;
/** Longer orders hold a run of spaces. */
const LONGEST = 256;
/** Orders before the tail that are told: no message that means one of them gives more. */
const MAX_ORDERS = 1_000;

/** The orders of a message, last first. Gives way to the event loop. */
export async function* ordersFromEnd(text: string, signal: AbortSignal): AsyncGenerator<Order> {
  const tail = Math.max(0, text.length - TAIL);
  yield* ordersIn(text, tail, text.length, ORDERS);
  let told = 0;
  for (let to = tail; to > 0 && told < MAX_ORDERS; to -= CHUNK) {
    if (sliceIsOver()) await yieldToEventLoop(signal);
    const found = ordersIn(text, Math.max(0, to - CHUNK), to, NOT_NEAR);
    told += found.length;
    yield* found;
  }
}

/** The orders that begin in `from … to`. */
function ordersIn(text: string, from: number, to: number, kinds: readonly Kind[]): Order[] {
  const part = text.slice(from, to + LONGEST);
  const small = part.toLowerCase();
  return kinds
    .filter(({ words, hint }) => words.some((word) => small.includes(word)) && hint?.test(part) !== false)
    .flatMap(({ order }) => [...part.matchAll(order)])
    .filter(({ index }) => from + index < to)
    .map(({ index, 0: words }) => ({ start: from + index, end: from + index + words.length }))
    .sort((a, b) => b.start - a.start);
}
