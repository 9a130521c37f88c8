import { isObject } from '../json-schema/resolve.ts';

/** A key that a question wants in its JSON answer, and what its value may be, as JSON Schema. */
export interface AskedKey {
  name: string;
  schema: Record<string, unknown>;
}

/** Any value of JSON. */
export const ANYTHING = { type: ['string', 'number', 'boolean', 'array', 'object', 'null'] };
const MAX_KEYS = 50;
const MAX_EXAMPLE = 4_000;

/** The keys that a question names, in order: of an example object, of a list of keys, or in quotes. */
export function askedKeys(question: string): AskedKey[] {
  const text = question.slice(-MAX_EXAMPLE);
  const found =
    [fromExample, fromSketch, fromList, fromQuotes].map((read) => read(text)).find((keys) => keys.length > 0) ?? [];
  const distinct = new Map(found.map((key) => [key.name, key]));
  return [...distinct.values()].slice(0, MAX_KEYS);
}

/** `{"name": "…", "age": 0}` */
function fromExample(text: string): AskedKey[] {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start < 0 || end < start) return [];
  let example: unknown;
  try {
    example = JSON.parse(text.slice(start, end + 1));
  } catch {
    return [];
  }
  const literal =
    !/(?:like|such as|example|e\.g|format|shape|schema|structure|例如|格式|形如|如下|结构)[^{]{0,40}$/i.test(
      text.slice(0, start),
    );
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
function fromSketch(text: string): AskedKey[] {
  const inner = /\{([^{}]{1,1000})\}/.exec(text)?.[1] ?? '';
  return inner.split(/[,;\n]/).flatMap((part) => {
    const [, name, type = ''] =
      /^\s*["'`]?([\p{L}_][\p{L}\p{N}_ -]{0,60}?)["'`]?\??\s*(?::\s*["'<]?(\w+).*)?$/u.exec(part) ?? [];
    return name === undefined ? [] : [{ name, schema: typed(type) }];
  });
}

/** `with the keys name, age (number) and "email"`, `字段：姓名、年龄` */
function fromList(text: string): AskedKey[] {
  const list =
    /\b(?:keys?|fields?|properties|property|attributes?)\b(?:\s+(?:named|called|are|is|only|exactly|of))*\s*[:：]?\s+([^\n?]{1,500})/i.exec(
      text,
    )?.[1] ??
    /(?:字段|键名?|属性)(?:名?为|包括|有|是|叫)?\s*[:：]?\s*([^\n。？]{1,500})/.exec(text)?.[1] ??
    '';
  const sentence = list.split(/(?<=[\w"'`)])\.(?=\s|$)|。|[;；]/)[0] ?? '';
  const keys: AskedKey[] = [];
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
function fromQuotes(text: string): AskedKey[] {
  return [
    ...text.matchAll(/["'`“]([\p{L}_][\p{L}\p{N}_-]{0,40})["'`”]|(?<![\w.])([a-z]+(?:_[a-z0-9]+)+)(?![\w(])/gu),
  ].map((match) => ({
    name: match[1] ?? match[2] ?? '',
    schema: ANYTHING,
  }));
}
