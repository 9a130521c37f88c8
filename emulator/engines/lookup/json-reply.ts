import { Effort } from '../json-schema/effort.ts';
import { fillSchema } from '../json-schema/fill.ts';
import { type Hint, readings } from '../json-schema/hints.ts';
import { flatten, isObject } from '../json-schema/resolve.ts';
import { isValid } from '../json-schema/validate.ts';
import { ANYTHING, type AskedKey, askedKeys } from './asked-keys.ts';
import { hintsFrom, namesIn, valuesOf } from './context-hints.ts';
import { contextOf, NOT_FOUND } from './documents.ts';
import { exactReply } from './exact-reply.ts';
import { listedNames } from './listed-names.ts';
import type { Pace } from './pace.ts';
import type { Question } from './question.ts';
import type { LookupRequest, ResponseFormat } from './request.ts';
import { type Evidence, findEvidence } from './search.ts';

type JsonFormat = Exclude<ResponseFormat, { type: 'text' }>;

/** A JSON text in the format asked for, filled from the context where names match. */
export async function jsonReply(
  request: LookupRequest,
  question: Question,
  format: JsonFormat,
  pace: Pace,
): Promise<string> {
  const ordered = await orderedJson(question.whole, format, pace);
  if (ordered !== undefined) return ordered;
  const evidence = await findEvidence(contextOf(request, question), question.text, pace);
  const schema =
    format.type === 'json_schema'
      ? format.schema
      : (schemaOf(askedKeys(question.whole.slice(question.start))) ?? (await schemaListed(request, question, pace)));
  if (schema === undefined) return JSON.stringify(plainAnswer(evidence));
  const values = await valuesOf(namesIn(schema), contextOf(request, question), pace);
  const answer: Hint[] =
    evidence === undefined ? [] : [{ text: evidence.answer, quoted: evidence.fact?.valueQuoted ?? false }];
  const isForAnswer = placesForAnswer(schema);
  const hints = hintsFrom(values, {
    valuesFor: (path) => (isForAnswer(path) ? answer : []),
    mentions: (member) => evidence?.answer.toLowerCase() === member.toLowerCase(),
  });
  return JSON.stringify(fillSchema(schema, hints).value);
}

/** `Reply with only {"ok":true}`: an exact reply, where it is JSON of the wanted form. */
async function orderedJson(message: string, format: JsonFormat, pace: Pace): Promise<string | undefined> {
  const reply = await exactReply(message, pace);
  if (reply === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(reply);
    const fits = format.type === 'json_object' ? isObject(value) : isValid(value, format.schema, format.schema);
    return fits ? reply : undefined;
  } catch {
    return undefined;
  }
}

function schemaOf(keys: readonly AskedKey[]): Record<string, unknown> | undefined {
  if (keys.length === 0) return undefined;
  const properties = Object.fromEntries(keys.map((key) => [key.name, key.schema]));
  return { type: 'object', properties, required: keys.map((key) => key.name) };
}

/** Words that are listed are keys where the context has a value for one of them at least. */
async function schemaListed(
  request: LookupRequest,
  question: Question,
  pace: Pace,
): Promise<Record<string, unknown> | undefined> {
  const names = listedNames(question.text);
  if (names.length === 0) return undefined;
  const values = await valuesOf(names, contextOf(request, question), pace);
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
function placesForAnswer(schema: unknown): (path: readonly string[]) => boolean {
  const { properties } = flatten(schema, schema, new Effort()) ?? {};
  const alone = isObject(properties) && Object.keys(properties).length === 1;
  return (path) => path.length === 0 || (path.length === 1 && (alone || ANSWERS.test(path[0] ?? '')));
}
