import type { ContextValue } from '../json-schema/context.ts';
import { isObject, type SchemaDocument } from '../json-schema/schema.ts';
import { type FactInPlace, factAt, separatorAt } from '../text/facts.ts';
import { type Document, withoutLabel } from './documents.ts';
import { KeyMatcher } from './keys.ts';
import { declaresType, isTypeName } from './order.ts';
import { Lexicon } from './scan.ts';
import { visitBlocks } from './search.ts';

/** Values kept for one name: an older one serves where the newest does not fit the schema. */
const VALUES = 6;
const MAX_NAMES = 500;
const MAX_DEPTH = 24;

/** Definitions are read where they are referred to; values name no fields. */
const SKIPPED = new Set(['$defs', 'definitions', 'enum', 'const', 'required']);
/** What a visit to a part of a schema costs. */
const VISIT = 5;

/** The names of a schema's properties, alone and after the name of what holds them (`user name`). */
export function fieldNames(schema: SchemaDocument): string[] {
  const names = new Set<string>();
  const followed = new Set<string>();
  const visit = (node: unknown, parent: string, depth: number): void => {
    if (depth > MAX_DEPTH || names.size > MAX_NAMES || !schema.spend(VISIT)) return;
    if (Array.isArray(node)) for (const member of node) visit(member, parent, depth + 1);
    if (!isObject(node)) return;
    const { $ref, properties, ...others } = node;
    const reference = `${parent} ${typeof $ref === 'string' ? $ref : ''}`;
    if ($ref !== undefined && !followed.has(reference)) {
      followed.add(reference);
      visit(schema.resolve($ref), parent, depth + 1);
    }
    for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
      names.add(name);
      if (parent !== '') names.add(`${parent} ${name}`);
      visit(property, name, depth + 1);
    }
    for (const [keyword, other] of Object.entries(others)) {
      if (!SKIPPED.has(keyword) && typeof other === 'object') visit(other, parent, depth + 1);
    }
  };
  visit(schema.root, '', 0);
  return [...names].slice(0, MAX_NAMES);
}

/** The values that stand in the documents under some names, by name, newest first. */
export async function fieldValues(
  names: readonly string[],
  documents: Iterable<Document>,
  signal: AbortSignal,
): Promise<Map<string, ContextValue[]>> {
  const found = new Map<string, ContextValue[]>(names.map((name) => [name, []]));
  const matcher = KeyMatcher.forNames(names);
  const lexicon = new Lexicon();
  matcher.addTo(lexicon);
  let missing = names.length;
  const keep = (fact: FactInPlace, id: number): void => {
    const values = found.get(names[id] ?? '');
    if (values === undefined || values.length >= VALUES || values.some((value) => value.text === fact.value)) return;
    if (isTypeName(fact.value)) return;
    if (values.push({ text: fact.value, quoted: fact.valueQuoted }) === VALUES) missing -= 1;
  };
  await visitBlocks(documents, lexicon, signal, (document, { separators }) => {
    if (!document.facts) return false;
    for (const at of separators.toReversed()) {
      const separator = separatorAt(document.text, at);
      let id = -1;
      const fact =
        separator &&
        factAt(document.text, separator, (key) => {
          const match = matcher.match(document.summary ? withoutLabel(key.text) : key.text, key.quoted);
          id = match?.unmatched === 0 ? match.id : -1;
          return id >= 0;
        });
      if (fact !== undefined && !declaresType(document.text.slice(fact.start, at))) keep(fact, id);
    }
    return missing === 0;
  });
  return found;
}

/** What the context offers for a schema: a value under the property's full name comes before one under its last. */
export function valuesAt(
  values: ReadonlyMap<string, readonly ContextValue[]>,
  path: readonly string[],
): readonly ContextValue[] {
  const [name, parent] = [path.at(-1), path.at(-2)];
  if (name === undefined) return [];
  const owner = parent === undefined ? [] : (values.get(`${parent} ${name}`) ?? []);
  return [...owner, ...(values.get(name) ?? [])];
}

/** A field that a question wants in its JSON answer, and what its value may be, as JSON Schema. */
export interface RequestedField {
  name: string;
  schema: Record<string, unknown>;
}

/** Any value of JSON. */
export const ANYTHING = { type: ['string', 'number', 'boolean', 'array', 'object', 'null'] };
const MAX_KEYS = 50;
const MAX_EXAMPLE = 4_000;

/** The fields that a question names, in order: in an example object, in a list, or in quotes. */
export function requestedFields(question: string): RequestedField[] {
  const text = question.slice(-MAX_EXAMPLE);
  const found =
    [fromExample, fromSketch, fromList, fromQuotes].map((read) => read(text)).find((keys) => keys.length > 0) ?? [];
  const distinct = new Map(found.map((key) => [key.name, key]));
  return [...distinct.values()].slice(0, MAX_KEYS);
}

/** What stands before an object that only shows a form. */
export const SHOWS_FORM =
  /(?:like|such as|example|e\.g|format|shape|schema|structure|例如|格式|形如|如下|结构)[^{]{0,40}$/i;

/** `{"name": "…", "age": 0}` */
function fromExample(text: string): RequestedField[] {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start < 0 || end < start) return [];
  let example: unknown;
  try {
    example = JSON.parse(text.slice(start, end + 1));
  } catch {
    return [];
  }
  const literal = !SHOWS_FORM.test(text.slice(0, start));
  return isObject(example)
    ? Object.entries(example).map(([name, value]) => ({ name, schema: like(value, literal) }))
    : [];
}

const PLACEHOLDER =
  /^(?:string|number|integer|boolean|str|int|float|text|value|any|\.{2,}|…|)$|^[<[{(].*[>\]})]$|^\w+ (?:here|of|or) /i;

function like(value: unknown, literal: boolean): Record<string, unknown> {
  if (isObject(value)) {
    const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, like(member, literal)]);
    return { type: 'object', properties: Object.fromEntries(members), required: members.map(([name]) => name) };
  }
  if (Array.isArray(value)) return { type: ['array', 'null'] };
  if (typeof value === 'string')
    return PLACEHOLDER.test(value) || !literal ? typed(value) : { ...ANYTHING, default: value };
  return {
    type: [typeof value === 'object' ? 'string' : typeof value, 'null'],
    ...(literal ? { default: value } : {}),
  };
}

function typed(word: string): Record<string, unknown> {
  if (/^(?:number|float|int|integer)$/i.test(word))
    return { type: [/^int/i.test(word) ? 'integer' : 'number', 'null'] };
  if (/^bool/i.test(word)) return { type: ['boolean', 'null'] };
  return /^(?:string|str|text)$/i.test(word) ? { type: ['string', 'null'] } : ANYTHING;
}

/** `{name: string, age: number}`, `{name, age}` */
function fromSketch(text: string): RequestedField[] {
  const inner = /\{([^{}]{1,1000})\}/.exec(text)?.[1] ?? '';
  return inner.split(/[,;\n]/).flatMap((part) => {
    const [, name, type = ''] =
      /^\s*["'`]?([\p{L}_][\p{L}\p{N}_ -]{0,60}?)["'`]?\??\s*(?::\s*["'<]?(\w+).*)?$/u.exec(part) ?? [];
    return name === undefined ? [] : [{ name, schema: typed(type) }];
  });
}

/** `with the keys name, age (number) and "email"`, `字段：姓名、年龄` */
function fromList(text: string): RequestedField[] {
  const list =
    /\b(?:keys?|fields?|properties|property|attributes?)\b(?:\s+(?:named|called|are|is|only|exactly|of))*\s*[:：]?\s+([^\n?]{1,500})/i.exec(
      text,
    )?.[1] ??
    /(?:字段|键名?|属性)(?:名?为|包括|有|是|叫)?\s*[:：]?\s*([^\n。？]{1,500})/.exec(text)?.[1] ??
    '';
  const sentence = list.split(/(?<=[\w"'`)])\.(?=\s|$)|。|[;；]/)[0] ?? '';
  const keys: RequestedField[] = [];
  for (const part of sentence.split(/\s*(?:[,，、]|\band\b|和|以及|及)\s*/)) {
    if (part === '') continue;
    const [, name, type = ''] =
      /^["'`“]?([\p{L}_][\p{L}\p{N}_-]*(?:[ ][\p{L}\p{N}_-]+){0,2})["'`”]?(?:\s*\((\w+)[^)]*\))?$/u.exec(part.trim()) ??
      [];
    if (name === undefined) break;
    keys.push({ name, schema: typed(type) });
  }
  return keys;
}

/** "`name`" and `user_id` */
function fromQuotes(text: string): RequestedField[] {
  return [
    ...text.matchAll(/["'`“]([\p{L}_][\p{L}\p{N}_-]{0,40})["'`”]|(?<![\w.])([a-z]+(?:_[a-z0-9]+)+)(?![\w(])/gu),
  ].map((match) => ({
    name: match[1] ?? match[2] ?? '',
    schema: ANYTHING,
  }));
}

const ENGLISH_OPENING =
  /^(?:(?:as|in|using) json[,:]?\s+)?(?:please\s+|(?:can|could|would|will) you\s+(?:please\s+)?|i (?:want|need)\s+|what\s*(?:['’]s|is|are|was|were)\s+)?(?:(?:give|show|tell|send|list|return|extract|find|state|report|provide|output|print|write|get|name|recall|summari[sz]e|reply|respond|answer)\s+(?:with\s+)?(?:me\s+|us\s+)?)?(?:(?:only|just|in|an?|the)\s+)*(?:json(?:\s+object)?(?:\s+(?:with|of|containing)\s+|\s*:\s*))?/i;
/** What follows a list: `as JSON`, `of the user`. */
const ENGLISH_END = /[.?!:;]|\s+(?:as|in|of|for|from|using|with|to|on|at|into|please|that|which|who)\b/i;
const ENGLISH_NAME =
  /^(?:what\s+(?:is|are)\s+)?(?:(?:the|an?|my|your|his|her|its|our|their)\s+)?([\p{L}_][\p{L}\p{N}_-]*(?:\s(?!(?:the|an?|my|your)\s)[\p{L}\p{N}_-]+){0,2})$/iu;

const HAN_OPENING =
  /^(?:请问?|帮我|用|以|按|把)*\s*(?:JSON\s*(?:格式|形式)?(?:来|，|,|地)?\s*)?(?:给出|给我|告诉我?|列出|返回|输出|提取|提供|说出|回答|写出)?(?:我|一下)?\s*/i;
const HAN_END = /[。？！?!，,；;]|(?:分别|各)?(?:是|为|有)?(?:什么|多少|哪|谁|几)|(?:用|以|按)\s*JSON/i;
const HAN_NAME = /^(?:.{1,12}的)?([\p{L}\p{N}_ -]{1,12})$/u;

const MAX_LENGTH = 500;

/** The fields that a question simply lists: `the city and the age as JSON`, `给出城市和年龄`. One alone is not a list. */
export function listedFields(question: string): string[] {
  for (const line of question.slice(0, MAX_LENGTH).split('\n')) {
    const names = /\p{Script=Han}/u.test(line)
      ? partsOf(line.trim(), HAN_OPENING, HAN_END, /\s*(?:、|以及|还有|和|与|及|跟)\s*/, HAN_NAME)
      : partsOf(line.trim(), ENGLISH_OPENING, ENGLISH_END, /\s*,\s*(?:and\s+)?|\s+(?:and|&)\s+/i, ENGLISH_NAME);
    if (names.length > 1) return names;
  }
  return [];
}

/** Empty where a part is not a name. */
function partsOf(line: string, opening: RegExp, end: RegExp, between: RegExp, name: RegExp): string[] {
  const rest = line.replace(opening, '');
  const list = rest.slice(0, end.exec(rest)?.index);
  const names = list.split(between).map((part) => name.exec(part.trim())?.[1]);
  return names.every((part) => part !== undefined) ? [...new Set(names)] : [];
}
