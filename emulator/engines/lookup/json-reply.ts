import { contentText } from '../../../contract/content-text.ts';
import { type ContextValue, readings, type SchemaContext } from '../json-schema/context.ts';
import { fillSchema } from '../json-schema/fill.ts';
import { isObject, openSchema, type SchemaDocument } from '../json-schema/schema.ts';
import { isValid } from '../json-schema/validate.ts';
import { yieldIfOver } from '../scheduler.ts';
import { contextOf, NOT_FOUND, whole } from './documents.ts';
import { exactReply } from './exact-reply.ts';
import {
  ANYTHING,
  fieldNames,
  fieldValues,
  listedFields,
  type RequestedField,
  requestedFields,
  SHOWS_FORM,
  valuesAt,
} from './fields.ts';
import { endOfJson, isTypeName } from './order.ts';
import { type LookupRequest, type Question, type ResponseFormat, readQuestion } from './question.ts';
import { type Evidence, findEvidence } from './search.ts';

type JsonFormat = Exclude<ResponseFormat, { type: 'text' }>;

/** The same for a schema that the prompt's text gives, or undefined where it gives none. */
export async function jsonOfPrompt(
  request: LookupRequest,
  question: Question,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = promptSchema(request, question.message);
  if (found === undefined) return undefined;
  return jsonReply(found.request, readQuestion(found.request), found.format, signal);
}

/** A JSON text in the format asked for, filled from the asking message and the context where names match. */
export async function jsonReply(
  request: LookupRequest,
  question: Question,
  format: JsonFormat,
  signal: AbortSignal,
): Promise<string> {
  const ordered = await orderedJson(question.whole, format, signal);
  if (ordered !== undefined) return ordered;
  const pasted = promptSchema(request, question.message, true);
  if (pasted !== undefined) {
    const given = format.type === 'json_schema' ? format : pasted.format;
    return jsonReply(pasted.request, readQuestion(pasted.request), given, signal);
  }
  const evidence = await findEvidence(contextOf(request, question), question.text, signal);
  const schema =
    format.type === 'json_schema'
      ? format.schema
      : (schemaOf(requestedFields(question.whole.slice(question.start))) ??
        (await schemaListed(request, question, signal)));
  if (schema === undefined) return JSON.stringify(plainAnswer(evidence));
  const document = await openSchema(schema);
  await yieldIfOver();
  const asking = whole(withoutForm(question, format), true);
  const values = await fieldValues(fieldNames(document), [asking, ...contextOf(request, question)], signal);
  const answer: ContextValue[] =
    evidence === undefined ? [] : [{ text: evidence.answer, quoted: evidence.fact?.valueQuoted ?? false }];
  const isForAnswer = placesForAnswer(document);
  const context: SchemaContext = {
    stated: () => [],
    mentions: () => false,
    valuesFor: (path, enumerated) => [...valuesAt(values, path), ...(enumerated || isForAnswer(path) ? answer : [])],
    useUnnamed: () => undefined,
  };
  await yieldIfOver();
  return JSON.stringify(fillSchema(document, context).value);
}

/** The asking message without the object that shows how the answer is to look, which tells nothing. */
function withoutForm({ whole: message, start }: Question, format: JsonFormat): string {
  const opening = message.indexOf('{', start);
  const closing = message.lastIndexOf('}');
  if (opening < 0 || closing < opening) return message;
  if (format.type === 'json_schema' && !SHOWS_FORM.test(message.slice(message.lastIndexOf('\n', opening) + 1, opening)))
    return message;
  return `${message.slice(0, opening)} ${message.slice(closing + 1)}`;
}

/** `Reply with only {"ok":true}`: an exact reply, where it is JSON of the wanted form. */
async function orderedJson(message: string, format: JsonFormat, signal: AbortSignal): Promise<string | undefined> {
  const reply = await exactReply(message, signal);
  if (reply === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(reply);
    const fits =
      format.type === 'json_object' ? isObject(value) : isValid(value, format.schema, await openSchema(format.schema));
    return fits ? reply : undefined;
  } catch {
    return undefined;
  }
}

/** Words that are listed are keys where the context has a value for one of them at least. */
async function schemaListed(
  request: LookupRequest,
  question: Question,
  signal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  const names = listedFields(question.text);
  if (names.length === 0) return undefined;
  const values = await fieldValues(names, contextOf(request, question), signal);
  const known = [...values.values()].some((hints) => hints.length > 0);
  return known ? schemaOf(names.map((name) => ({ name, schema: ANYTHING }))) : undefined;
}

/** Where no key is asked for: the fact under its own name, or the sentence as `answer`. */
function plainAnswer(evidence: Evidence | undefined): Record<string, unknown> {
  const { fact } = evidence ?? {};
  if (fact === undefined) return { answer: evidence?.answer ?? NOT_FOUND };
  const [value] = readings({ text: fact.value, quoted: fact.valueQuoted }, [
    'string',
    'number',
    'boolean',
    'null',
    'array',
    'object',
  ]);
  return { [fact.key]: value };
}

const ANSWERS =
  /^(?:final_?)?(?:answer|result|response|reply|output|text|content|value|message|summary|答案|回答|结果)$/i;

/** Tells where the answer to the question itself belongs: the whole, a property that says so, or the only one. */
function placesForAnswer(schema: SchemaDocument): (path: readonly string[]) => boolean {
  const { properties } = schema.flatten(schema.root) ?? {};
  const alone = isObject(properties) && Object.keys(properties).length === 1;
  return (path) => path.length === 0 || (path.length === 1 && (alone || ANSWERS.test(path[0] ?? '')));
}

/** A schema that the prompt writes out, and the request without it: it is a form to fill in, and tells nothing. */
interface PromptSchema {
  format: { type: 'json_schema'; schema: Record<string, unknown> };
  request: LookupRequest;
}

/** The schema that the asking message gives for its answer, or else a system message. */
export function promptSchema(request: LookupRequest, asking: number, wantsJson = false): PromptSchema | undefined {
  const { messages } = request;
  const systems = messages.flatMap(({ role }, index) => (role === 'system' ? [index] : [])).reverse();
  for (const index of [asking, ...systems]) {
    const message = messages[index];
    const text = contentText(message?.content);
    const found = message !== undefined ? findSchema(text, wantsJson) : undefined;
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
/** `Schema:`, right before it. */
const ANNOUNCED = /(?:\b(?:schema|format)\b|模式|格式)\s*[:：]\s*(?:```(?:json)?\s*)?$/i;
/** The schema is itself what is spoken of, or is to be said again. */
const SPOKEN_OF =
  /\b(?:repeat|echo|verbatim|word for word|explain|describe|review|improve|validate|convert|translate|what (?:is|does)|is this|does this|why|how)\b[^{}]{0,80}$|重复|解释|什么意思/i;
/** Units before and behind a schema in which words tell what it is for. */
const REACH = 200;
const MAX_SCHEMAS = 32;
/** Units at the beginning and at the end of a message in which a schema is looked for. */
const MAX_UNITS = 40_000;

function findSchema(text: string, wantsJson: boolean) {
  const tail = Math.max(0, text.length - MAX_UNITS);
  let tries = 0;
  for (let start = text.indexOf('{', tail); start >= 0 && tries < MAX_SCHEMAS; tries += 1) {
    const end = endOfJson(text, start);
    const schema = end === undefined ? undefined : (schemaIn(text.slice(start, end)) ?? sketchIn(text, start, end));
    if (end !== undefined && schema !== undefined && isAskedFor(text, start, end, wantsJson))
      return { start, end, schema };
    start = text.indexOf('{', end ?? start + 1);
  }
  return undefined;
}

/** @param wantsJson whether the request asks for JSON by its `response_format` */
function isAskedFor(text: string, start: number, end: number, wantsJson: boolean): boolean {
  const before = text.slice(Math.max(0, start - REACH), start);
  const around = `${before}\n${text.slice(end, end + REACH)}`;
  return CUE.test(around) && (wantsJson || WANTED.test(around) || ANNOUNCED.test(before)) && !SPOKEN_OF.test(before);
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
