import { type ContextValue, readings, type SchemaContext } from '../json-schema/context.ts';
import { fillSchema } from '../json-schema/fill.ts';
import { isObject, openSchema, type SchemaDocument } from '../json-schema/schema.ts';
import { isValid } from '../json-schema/validate.ts';
import { contextOf, NOT_FOUND, whole } from './documents.ts';
import { exactReply } from './exact-reply.ts';
import { ANYTHING, fieldNames, fieldValues, listedFields, requestedFields, SHOWS_FORM, valuesAt } from './fields.ts';
import { promptSchema, schemaOf } from './prompt-schema.ts';
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
  const pasted = promptSchema(request, question.message);
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
