import { type ContextValue, readings, type SchemaContext } from '../json-schema/context.ts';
import { fillSchema } from '../json-schema/fill.ts';
import { isObject, namesIn, openSchema, type Schema, type SchemaDocument } from '../json-schema/schema.ts';
import { isValid } from '../json-schema/validate.ts';
import { yieldIfOver } from '../scheduler.ts';
import { endsSentence } from '../text/sentences.ts';
import { contextOf, NO_PAGES, whole } from './documents.ts';
import { fieldNames, fieldValues, valuesAt } from './fields.ts';
import { isQuoted, Order, type OrderText } from './order.ts';
import { type ChosenTool, type LookupRequest, mentionsOf, type Question } from './question.ts';

/**
 * The arguments of a call as JSON text, valid under the tool's parameters: what the order itself gives first, then the latest
 * that the conversation says.
 */
export async function callArguments(
  request: LookupRequest,
  question: Question,
  chosen: ChosenTool,
  signal: AbortSignal,
): Promise<string> {
  if (chosen.tool?.type === 'builtin_function') return NO_PAGES;
  const schema = chosen.tool?.function.parameters;
  if (schema === undefined) return '{}';
  const document = await openSchema({ type: 'object', ...schema });
  await yieldIfOver();
  const names = fieldNames(document);
  const order = new Order(orderOf(request, question, chosen), names);
  const assigned = assignUnnamed(document, order);
  const asking = whole(question.whole, true);
  const values = await fieldValues(names, [asking, ...contextOf(request, question)], signal);
  const context: SchemaContext = {
    stated: (path) => [...order.named(path, true), ...(path.length === 1 ? (assigned.get(path[0] ?? '') ?? []) : [])],
    mentions: (member) => order.mentions(member),
    valuesFor: (path) => (order.namesPartOf(path) ? [] : [...valuesAt(values, path), ...order.named(path, false)]),
    useUnnamed: (fits) => {
      order.useUnnamed(false, fits);
    },
  };
  await yieldIfOver();
  const { value } = fillSchema(document, context);
  return JSON.stringify(isObject(value) ? value : {});
}

/** Where the sentence in front of a place begins. */
function sentenceStart(text: string, at: number, least: number): number {
  let start = at;
  while (start > least && (text[start - 1]?.trim() === '' || endsSentence(text, start - 1))) start -= 1;
  while (start > least && !endsSentence(text, start - 1)) start -= 1;
  return start;
}

/** The sentence that orders the call, and what follows it, up to where another tool is named. */
function orderOf({ tools }: LookupRequest, question: Question, { name, at }: ChosenTool): OrderText {
  const { order, whole: message } = question;
  if (at === undefined) {
    const start = Math.max(0, question.start - (message.length - order.length));
    return { text: order.slice(start), nameStart: 0, from: 0 };
  }
  const end = at + name.length;
  const others = mentionsOf(order, tools).filter(
    (mention) => mention.ordered && !isQuoted(order, mention.at, mention.at + mention.name.length),
  );
  const previous = others.findLast((mention) => mention.at < at);
  const least = previous === undefined ? 0 : previous.at + previous.name.length;
  // With the sentence before: `How warm is it in Paris? Call get_weather.`
  const start = sentenceStart(order, sentenceStart(order, at, least), least);
  const next = others.find((mention) => mention.at >= end);
  return { text: order.slice(start, next?.at), nameStart: at - start, from: end - start };
}

/** Types that a value without a name can be read as. */
const SCALARS = ['string', 'number', 'integer'];
const SPECIFIC = ['pattern', 'format', 'minLength', 'maxLength', 'minimum', 'maximum'];

/**
 * Gives what the order says without a name to the required properties that it does not name: a property that asks for a
 * certain form chooses first, the others in the order of their declaration.
 */
function assignUnnamed(document: SchemaDocument, order: Order): Map<string, ContextValue[]> {
  const { properties, required } = document.flatten(document.root) ?? {};
  const declared = isObject(properties) ? properties : {};
  const wanted = new Set(namesIn(required));
  const open = Object.keys(declared).flatMap((name) => {
    const flat = wanted.has(name) ? document.flatten(declared[name]) : undefined;
    const types = flat === undefined ? [] : [flat.type].flat();
    const scalar = types.length > 0 && types.every((type) => typeof type === 'string' && SCALARS.includes(type));
    if (flat === undefined || !scalar || flat.enum !== undefined || 'const' in flat) return [];
    return order.named([name], true).length > 0 ? [] : [{ name, flat, types: types as string[] }];
  });
  const choosy = ({ flat, types }: { flat: Schema; types: string[] }): boolean =>
    !types.includes('string') || SPECIFIC.some((keyword) => keyword in flat);
  const assigned = new Map<string, ContextValue[]>();
  for (const { name, flat, types } of [...open.filter(choosy), ...open.filter((property) => !choosy(property))]) {
    const value = order.useUnnamed(true, (candidate) => {
      // A number in passing is a text only where nothing else is one.
      if (types.includes('string') && !candidate.quoted && PLAIN_NUMBER.test(candidate.text)) return false;
      return [...readings(candidate, types)].some((reading) => isValid(reading, flat, document));
    });
    if (value !== undefined) assigned.set(name, [value]);
  }
  return assigned;
}

const PLAIN_NUMBER = /^-?[\d.]+$/;
