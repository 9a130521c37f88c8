import { isBlank } from '../../text/characters.ts';
import { endsSentence } from '../../text/sentences.ts';
import { words } from './words.ts';

/** Units at the end of a message in which an order to reply with something is looked for. */
const TAIL = 2_000;

const VERB = '(?:reply|respond|answer|say|return|output|write|print|send)';
/** Orders, each with what stands in all of its kind: most messages hold none of it, and looking for that is quick. */
const ORDERS = [
  // Reply with only X, answer only with X, say just X, respond exactly: X
  {
    hint: /only|exactly|just|nothing but|precisely/i,
    order: new RegExp(
      `\\b${VERB}(?:\\s+(?:to me|back|me))?\\s+(?:with\\s+)?(?:only|exactly|just|nothing but|precisely)(?:\\s+with)?(?![\\w-])`,
      'gi',
    ),
  },
  // Only reply with X, just say X, simply answer X
  {
    hint: /only|just|simply/i,
    order: new RegExp(`\\b(?:only|just|simply)\\s+${VERB}(?:\\s+with)?(?![\\w-])`, 'gi'),
  },
  // Reply with the word X, reply with this text: X
  {
    hint: /word|phrase|text|string|sentence|line/i,
    order: new RegExp(
      `\\b${VERB}\\s+with\\s+(?=(?:a|the|this)\\s+(?:single\\s+|one\\s+|exact\\s+|following\\s+)?(?:word|phrase|text|string|sentence|line)s?\\b)`,
      'gi',
    ),
  },
  // 只回复 X, 请仅回答 X, 只需输出 X
  {
    hint: /[只仅就直]/,
    order:
      /(?:只|仅|就|直接)(?:需要?|要|能|可以?|用|准)?(?:回复|回答|答复|输出|返回|说|写|回)(?:一?个?(?:字|词|单词|句子?)|以下内容|下面的内容|文字)?/g,
  },
  // X and nothing else
  {
    hint: /nothing\s+else/i,
    order: new RegExp(
      `\\b${VERB}(?:\\s+with)?\\s+(?=["'“‘\`]?\\S.{0,200}?["'”’\`]?[,.]?\\s+(?:and|with)\\s+nothing\\s+else)`,
      'gi',
    ),
  },
  // Reply with X only.
  {
    hint: /\sonly[.!]?\s*(?:\n|$)/i,
    order: new RegExp(`\\b${VERB}(?:\\s+with)?\\s+(?=\\S[^.!?\\n]{0,100}?\\s+only[.!]?\\s*(?:\\n|$))`, 'gi'),
  },
  // 回复 X 即可
  {
    hint: /[即就不别无]/,
    order:
      /(?:回复|回答|输出|说)(?=.{1,100}?(?:即可|就行|就好|就可以|[，,。；]\s*(?:不要|别|无需|不需要).{0,4}(?:其他|其它|别的|多余)))/g,
  },
];

/**
 * What a message orders to be said word for word (`Reply with only X`, `Say exactly "X"`, `只回复X`), or undefined. An order that
 * describes its answer (`reply with only the code`, `只回答数字`) or holds only under a condition is none.
 */
export function exactReply(message: string): string | undefined {
  const tail = message.slice(-TAIL);
  const orders = ORDERS.flatMap(({ hint, order }) => (hint.test(tail) ? [...tail.matchAll(order)] : []));
  for (const order of orders.sort((a, b) => b.index - a.index)) {
    if (isConditional(tail, order.index)) continue;
    const reply = read(tail, order.index + order[0].length, tail.slice(0, order.index));
    if (reply !== undefined) return reply;
  }
  return undefined;
}

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

function read(text: string, from: number, before: string): string | undefined {
  const naming = NAMING.exec(text.slice(from, from + 80))?.[0] ?? '';
  let at = from + naming.length;
  while (isBlank(text.charCodeAt(at))) at += 1;
  const announced = /[:：]\s*$/.test(naming) || /[:：]/.test(text[at] ?? '');
  if (/[:：]/.test(text[at] ?? '')) at += 1;
  while (isBlank(text.charCodeAt(at))) at += 1;
  if (text[at] === '\n') return announced ? fenced(text.slice(at).trim()) || undefined : undefined;
  const quoted = readQuoted(text, at);
  if (quoted !== undefined) return CONDITIONAL_REST.test(text.slice(at + quoted.length + 2)) ? undefined : quoted;
  const literal = readLiteral(text, at, announced);
  if (literal === '' || CONDITIONAL_REST.test(text.slice(at + literal.length))) return undefined;
  if (!announced && /\s(?:if|unless|when)\s/i.test(literal)) return undefined;
  return !announced && naming === '' && describes(literal, before) ? undefined : literal;
}

const CONDITIONAL_REST = /^["'”’`]?\s*,?\s*(?:if|when|unless|in case|or)\b|^["'”’`]?\s*[，,]?(?:如果|若|当|或)/i;

function readQuoted(text: string, at: number): string | undefined {
  const fence = text.startsWith('```', at) ? '```' : undefined;
  const closing = fence ?? QUOTES[text[at] ?? ''];
  if (closing === undefined) return undefined;
  const end = text.indexOf(closing, at + closing.length);
  if (end <= at) return undefined;
  return fence === undefined ? text.slice(at + 1, end) : fenced(text.slice(at, end + 3));
}

function fenced(text: string): string {
  return /^```\w*\n?([\s\S]*?)\n?```/.exec(text)?.[1] ?? text;
}

const ENDINGS =
  /\s*(?:[,.，。;；]?\s*(?:and |with )?nothing (?:else|more|but that)|,?\s+without (?:any|quotes|punctuation|anything)|,?\s+with no |,?\s+(?:please|only|exactly|verbatim)\s*[.!]?$|\s+and (?:nothing|then stop|stop)|\s*\((?:no|without|nothing)|[,，]?\s*(?:不要|别|无需|不得|不用|即可|就行|就好|就可以|其他|不带|[一二两三四五六几\d]个?(?:汉?字|词|字母))).*$/iu;

/** Stands in every one of them: most texts hold none of it, and looking for the endings themselves is slow. */
const ENDING_HINT = /nothing|without|with no |please|only|exactly|verbatim|stop|\(no|[^\0-\x7f]/i;

function readLiteral(text: string, from: number, announced: boolean): string {
  let end = from;
  while (end < text.length && text[end] !== '\n') {
    if (
      endsSentence(text, end) &&
      (!announced || /^[\s*]*(?:do not|don['’]t|no |nothing|不要|别)/i.test(text.slice(end + 1)))
    )
      break;
    end += 1;
  }
  if (text[end] !== '\n' && /[!?！？]/.test(text[end] ?? '')) end += 1;
  const whole = text.slice(from, end);
  const literal = (ENDING_HINT.test(whole) ? whole.replace(ENDINGS, '') : whole).trim();
  return /^\S+[.。]$/u.test(literal) ? literal.slice(0, -1) : literal;
}

const DESCRIBING =
  /^(?:the|a|an|your|its|his|her|their|my|one|two|three|what|which|whether|as|in|valid|raw|numbers?|digits?|json|yes or|true or|with|if|when|after|to|from|about|using|for|based|words?)\b/i;
const DESCRIBING_HAN =
  /^(?:数字|名字|姓名|答案|结果|内容|一个|一句|这个|那个|该|它|他|她|其|值|编号|密码$|JSON|json|英文|中文|是或否|是否|对或错|我的|你的|问题|以|用|上)/u;

/** Whether words without quotes tell what the answer is like instead of being it. */
function describes(literal: string, before: string): boolean {
  if (DESCRIBING.test(literal) || DESCRIBING_HAN.test(literal)) return true;
  const asked = new Set(words(before).map((word) => word.text));
  const content = words(literal).filter((word) => word.weight > 0);
  return /[?？]/.test(before) && content.length > 0 && content.every((word) => asked.has(word.text));
}
