import type * as z from 'zod';
import { type ApiError, invalid } from '../errors.ts';

const MAX_NAMED = 16;
const MAX_NAME_LENGTH = 80;

type Issue = z.core.$ZodIssue;

/** The first thing that is wrong with a body, named by its field. */
export function describeIssue(error: z.ZodError, input: unknown): ApiError {
  const issue = error.issues[0];
  if (!issue) return invalid('the request is not understood');
  const { path, message } = deepest(issue);
  const field = fieldName(path);
  if (field === '') return invalid(message);
  return invalid(`${field}: ${message}`, field, valueAt(input, path) === undefined ? 'missing_field' : undefined);
}

/** What is wrong with a key, and in a union the branch that came furthest, say most about what was meant. */
function deepest(issue: Issue): { path: PropertyKey[]; message: string } {
  if (issue.code === 'invalid_key') return { path: issue.path, message: `the key: ${issue.issues[0]?.message}` };
  if (issue.code !== 'invalid_union') return issue;
  let best: { path: PropertyKey[]; message: string } = issue;
  for (const branch of issue.errors) {
    const first = branch[0];
    if (branch.length !== 1 || !first) continue;
    const found = deepest(first);
    const path = [...issue.path, ...found.path];
    if (path.length > best.path.length) best = { path, message: found.message };
  }
  return best;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (isRecord(value) ? value[String(part)] : undefined), input);
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    return name === '' ? String(part) : `${name}.${String(part)}`;
  }, '');
}

/** Names of members of `input` that the schema did not take over into `output`. */
export function ignoredFields(input: unknown, output: unknown): string[] {
  const found: string[] = [];
  const visit = (before: unknown, after: unknown, path: PropertyKey[]): void => {
    if (found.length >= MAX_NAMED || before === after || !isRecord(before) || !isRecord(after)) return;
    for (const key of Object.keys(before)) {
      const place = [...path, Array.isArray(before) ? Number(key) : key];
      if (Object.hasOwn(after, key)) visit(before[key], after[key], place);
      else if (before[key] !== undefined) found.push(fieldName(place));
    }
  };
  visit(input, output, []);
  return found.slice(0, MAX_NAMED);
}

/** A header value takes visible ASCII only. */
export function ignoredHeader(names: readonly string[]): string {
  return names.map((name) => name.slice(0, MAX_NAME_LENGTH).replaceAll(/[^\x21-\x7e]|,/g, '?')).join(', ');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
