import type { ContextValue } from '../json-schema/context.ts';
import { fillSchema } from '../json-schema/fill.ts';
import { isObject, openSchema } from '../json-schema/schema.ts';
import { contextOf, whole } from './documents.ts';
import { fieldNames, fieldValues, schemaContext } from './fields.ts';
import { wordsOfName } from './keys.ts';
import type { LookupRequest, Question } from './question.ts';
import { type ChosenTool, mentionsOf } from './tool-choice.ts';

/** The arguments of a call as JSON text, valid under the tool's parameters: from the request first, then from the context. */
export async function callArguments(
  request: LookupRequest,
  question: Question,
  chosen: ChosenTool,
  signal: AbortSignal,
): Promise<string> {
  const schema = chosen.tool?.function.parameters;
  if (schema === undefined) return '{}';
  const document = await openSchema({ type: 'object', ...schema });
  const names = fieldNames(document);
  const asking = whole(question.whole, true);
  const values = await fieldValues(names, [asking, ...contextOf(request, question)], signal);
  const [mention] = mentionsOf(question.order, chosen.tool === undefined ? [] : [chosen.tool]);
  const afterName = mention === undefined ? 0 : mention.at + chosen.name.length;
  const order = question.order.toLowerCase();
  const unnamed = new UnnamedValues(question.order, afterName);
  const spoken = spokenIn(question.order.slice(afterName));
  const context = schemaContext(values, {
    valuesFor: (path) => spoken(path.at(-1) ?? ''),
    mentions: (member) => mentions(order, member),
    useUnnamed: (fits) => unnamed.use(fits),
  });
  const { value } = fillSchema(document, context);
  return JSON.stringify(isObject(value) ? value : {});
}

const SPOKEN_VALUE =
  '(?:\\s+(?:is|of|to|as|set to|being))?\\s+(?:"([^"\\n]{1,300})"|\'([^\'\\n]{1,300})\'|([^\\s,;"\']{1,80}))';
const NO_VALUE = /^(?:and|or|with|for|in|of|to|the|a|an|is|as|from|by|on|at|please)$/i;

/** Reads what stands right behind a property's name in a text: `amount 50`, `subject "Hello"`. */
function spokenIn(text: string): (name: string) => ContextValue[] {
  const lower = text.toLowerCase();
  return (name) => {
    const parts = wordsOfName(name).map((word) => word.spelling.replace(/[^\p{L}\p{N}]/gu, ''));
    const spoken = parts.join('[-_ ]?');
    // Most names are nowhere in the text, and to look for their first word is cheap.
    if (spoken === '' || spoken.length > 100 || !lower.includes(parts[0] ?? '')) return [];
    const match = new RegExp(`(?<![\\p{L}\\p{N}_])${spoken}${SPOKEN_VALUE}`, 'iu').exec(text);
    const bare = match?.[3]?.replace(/[.!?]+$/, '');
    const quoted = match?.[1] ?? match?.[2];
    if (quoted !== undefined) return [{ text: quoted, quoted: true }];
    return bare === undefined || bare === '' || NO_VALUE.test(bare) ? [] : [{ text: bare, quoted: false }];
  };
}

/** `text` in lowercase. */
function mentions(text: string, member: string): boolean {
  if (member === '' || member.length > 100) return false;
  const lower = member.toLowerCase();
  const found = [lower, lower.replaceAll('_', ' ')].map((form) => text.indexOf(form)).find((at) => at >= 0);
  if (found === undefined) return false;
  const around = `${text[found - 1] ?? ' '}${text[found + member.length] ?? ' '}`;
  return !/\w/.test(around) || /\p{Script=Han}/u.test(member);
}

/** Values that a message gives without naming them: quotations, what follows `for`, `in`, `to` …, numbers, and the rest. */
class UnnamedValues {
  readonly #values: { value: ContextValue; start: number; end: number }[] = [];
  readonly #used: { start: number; end: number }[] = [];

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
    this.#values.push({ value: { text: value, quoted: pattern === QUOTED }, start, end: start + text.length });
  }

  /** Hands out the first value that fits and shares nothing with those handed out before. */
  use(fits: (value: ContextValue) => boolean): void {
    for (const value of this.#values) {
      if (this.#used.some((other) => other.start < value.end && value.start < other.end)) continue;
      if (!fits(value.value)) continue;
      this.#used.push(value);
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
