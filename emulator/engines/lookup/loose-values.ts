import type { Hint } from '../json-schema/hints.ts';

/** Values that a message gives without naming them: quotations, what follows `for`, `in`, `to` …, numbers, and the rest. */
export class LooseValues {
  readonly #values: { hint: Hint; start: number; end: number }[] = [];
  readonly #taken: { start: number; end: number }[] = [];

  /** `from`: where the message has named the tool. */
  constructor(message: string, from: number) {
    const text = message.slice(from);
    for (const pattern of PATTERNS) {
      for (const match of text.matchAll(pattern))
        this.#add(match[1] ?? '', match.index + match[0].indexOf(match[1] ?? ''), pattern);
    }
  }

  #add(text: string, start: number, pattern: RegExp): void {
    const value = text.trim();
    if (value === '' || (pattern === IDENTIFIER && PURE_NUMBER.test(value))) return;
    this.#values.push({ hint: { text: value, quoted: pattern === QUOTED }, start, end: start + text.length });
  }

  /** Hands out the first value that fits and shares nothing with those handed out before. */
  take(fits: (hint: Hint) => boolean): void {
    for (const value of this.#values) {
      if (this.#taken.some((other) => other.start < value.end && value.start < other.end)) continue;
      if (!fits(value.hint)) continue;
      this.#taken.push(value);
      return;
    }
  }
}

const QUOTED = /(?<![\w])["“「『`']([^"”」』`'\n]{1,300})["”」』`'](?!\w)/g;
/** `for Paris`, `to New York`, `in Rio de Janeiro` */
const PROPER =
  /\b(?:for|in|of|to|from|about|with|on|at|named|called|near|by)\s+(\p{Lu}[\p{L}\p{N}_'’-]*(?:\s+(?:de|la|of|da|do|\p{Lu}[\p{L}\p{N}_'’-]*))*)/gu;
const HAN =
  /(?:查询|查一下|查找|查|搜索|获取|关于|在|到|去|给|为|城市)\s*([\p{Script=Han}A-Za-z0-9]{1,20}?)(?=的|今天|明天|天气|[，。,.？?！!\s]|$)/gu;
const IDENTIFIER =
  /(?<![\w.@-])([\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{0,64}\w|https?:\/\/[^\s"'<>]+|[\w./-]{0,80}\d[\w./-]{0,80}\w)(?!\w)/g;
const PURE_NUMBER = /^[\d.-]+$/;
const NUMBER = /(?<![\w.-])(-?\d+(?:\.\d+)?)(?![\w-])/g;
/** `for best pizza recipes`: to the end of the sentence. */
const REST = /\b(?:for|about|with|to|on|of|in|that says|saying)\s+([^\n.!?;]{1,300})/g;
const PATTERNS = [QUOTED, PROPER, HAN, IDENTIFIER, NUMBER, REST];
