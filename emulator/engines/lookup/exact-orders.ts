import type { Pace } from './pace.ts';

/** Units at the end of a message in which every kind of order is looked for. */
export const TAIL = 2_000;

/** An order to reply with something: offsets of its words, `end` exclusive. What is to be replied follows them. */
export interface Order {
  start: number;
  end: number;
}

interface Kind {
  /** Stands in all orders of the kind: most texts hold none of it, and looking for that is quick. */
  hint: RegExp;
  order: RegExp;
  /** Looks beyond the order for its end, so that what is to be replied is short. */
  near?: true;
}

const VERB = '(?:reply|respond|answer|say|return|output|write|print|send)';
const ORDERS: readonly Kind[] = [
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
    near: true,
    hint: /nothing\s+else/i,
    order: new RegExp(
      `\\b${VERB}(?:\\s+with)?\\s+(?=["'“‘\`]?\\S.{0,200}?["'”’\`]?[,.]?\\s+(?:and|with)\\s+nothing\\s+else)`,
      'gi',
    ),
  },
  // Reply with X only.
  {
    near: true,
    hint: /\sonly[.!]?\s*(?:\n|$)/i,
    order: new RegExp(`\\b${VERB}(?:\\s+with)?\\s+(?=\\S[^.!?\\n]{0,100}?\\s+only[.!]?\\s*(?:\\n|$))`, 'gi'),
  },
  // 回复 X 即可
  {
    near: true,
    hint: /[即就不别无]/,
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
export async function* ordersFromEnd(text: string, pace: Pace): AsyncGenerator<Order> {
  const tail = Math.max(0, text.length - TAIL);
  yield* ordersIn(text, tail, text.length, ORDERS);
  let told = 0;
  for (let to = tail; to > 0 && told < MAX_ORDERS; to -= CHUNK) {
    if (pace.due) await pace.rest();
    const found = ordersIn(text, Math.max(0, to - CHUNK), to, NOT_NEAR);
    told += found.length;
    yield* found;
  }
}

/** The orders that begin in `from … to`. */
function ordersIn(text: string, from: number, to: number, kinds: readonly Kind[]): Order[] {
  const part = text.slice(from, to + LONGEST);
  return kinds
    .flatMap(({ hint, order }) => (hint.test(part) ? [...part.matchAll(order)] : []))
    .filter(({ index }) => from + index < to)
    .map(({ index, 0: words }) => ({ start: from + index, end: from + index + words.length }))
    .sort((a, b) => b.start - a.start);
}
