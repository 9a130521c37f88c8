import { contentText } from '../../../contract/content-text.ts';
import { isObject } from '../json-schema/schema.ts';
import { type RequestedField, requestedFields } from './fields.ts';
import { endOfJson } from './order.ts';
import type { LookupRequest } from './question.ts';
import { isTypeName } from './type-names.ts';

/** A schema that the prompt writes out, and the request without it: it is a form to fill in, and tells nothing. */
interface PromptSchema {
  format: { type: 'json_schema'; schema: Record<string, unknown> };
  request: LookupRequest;
}

/** The schema that the asking message gives for its answer, or else a system message. */
export function promptSchema(request: LookupRequest, asking: number): PromptSchema | undefined {
  const { messages } = request;
  const systems = messages.flatMap(({ role }, index) => (role === 'system' ? [index] : [])).reverse();
  for (const index of [asking, ...systems]) {
    const message = messages[index];
    const text = contentText(message?.content);
    const found = message !== undefined ? findSchema(text) : undefined;
    if (message === undefined || found === undefined) continue;
    const rest = `${text.slice(0, found.start)} ${text.slice(found.end)}`;
    return {
      format: { type: 'json_schema', schema: found.schema },
      request: { ...request, messages: messages.with(index, { ...message, content: rest }) },
    };
  }
  return undefined;
}

const CUE = /\bjson\b|\b(?:response_)?format\b|\bschema\b|\bstructured\b|JSON|模式|格式|结构/i;
/** Words that ask for an answer in the form that follows or precedes. */
const WANTED =
  /\b(?:answer|reply|respond|responses?|return|output|outputs|extract|give|produce|generate|fill|provide|use|using|write|follow|following|conform|conforms|match|matches|matching|adher\w+|as|in|with|to)\b|回答|返回|输出|提取|按照?|使用|填|遵循|符合/i;
/** The schema is itself what is spoken of, or is to be said again. */
const SPOKEN_OF =
  /\b(?:repeat|echo|verbatim|word for word|explain|describe|review|improve|validate|convert|translate|what (?:is|does)|is this|does this|why|how)\b[^{}]{0,80}$|重复|解释|什么意思/i;
/** Units before and behind a schema in which words tell what it is for. */
const REACH = 200;
const MAX_SCHEMAS = 32;
/** Units at the beginning and at the end of a message in which a schema is looked for. */
const MAX_UNITS = 40_000;

function findSchema(text: string) {
  const tail = Math.max(0, text.length - MAX_UNITS);
  let tries = 0;
  for (let start = text.indexOf('{', tail); start >= 0 && tries < MAX_SCHEMAS; tries += 1) {
    const end = endOfJson(text, start);
    const schema = end === undefined ? undefined : (schemaIn(text.slice(start, end)) ?? sketchIn(text, start, end));
    if (end !== undefined && schema !== undefined && isAskedFor(text, start, end)) return { start, end, schema };
    start = text.indexOf('{', end ?? start + 1);
  }
  return undefined;
}

function isAskedFor(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - REACH), start);
  const around = `${before}\n${text.slice(end, end + REACH)}`;
  return CUE.test(around) && WANTED.test(around) && !SPOKEN_OF.test(before);
}

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

/** A JSON Schema, alone or as `response_format` wraps it. */
function schemaIn(json: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  for (let depth = 0; isObject(value) && depth < 3; depth += 1) {
    const { type, properties, anyOf, oneOf, $ref } = value;
    const typed = [type].flat().some((name) => typeof name === 'string' && TYPES.includes(name));
    if (isObject(properties) || typed || Array.isArray(anyOf ?? oneOf) || typeof $ref === 'string') return value;
    value = value.schema ?? value.json_schema;
  }
  return undefined;
}

/** `{"name": "string", "age": "integer"}` and `{name: string, age?: number}`, where all that stands in it are types. */
function sketchIn(text: string, start: number, end: number): Record<string, unknown> | undefined {
  const sketch = text.slice(start, end);
  const leaves = sketch.match(/(?<=[:[]\s*)(?:"[^"]*"|[^\s,;{}[\]]+)/g) ?? [];
  if (leaves.length === 0 || !leaves.every(isTypeName)) return undefined;
  return schemaOf(requestedFields(`such as ${sketch}`));
}

/** The schema of an object with these fields, all of them required. */
export function schemaOf(fields: readonly RequestedField[]): Record<string, unknown> | undefined {
  if (fields.length === 0) return undefined;
  const properties = Object.fromEntries(fields.map((field) => [field.name, field.schema]));
  return { type: 'object', properties, required: fields.map((field) => field.name) };
}
