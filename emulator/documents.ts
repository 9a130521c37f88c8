import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { DocumentError, didYouMean } from './bad-input.ts';

interface ReadDocument<Value> {
  value: Value;
  /** The line on which what lies at a path begins, counted from 1. */
  lineOf(path: readonly PropertyKey[]): number;
}

/**
 * Reads YAML or JSON, which is YAML too, by a schema.
 * @param file the name that errors give it
 * @throws DocumentError naming file, line and what is wrong
 */
export function readDocument<Schema extends z.ZodType>(
  text: string,
  file: string,
  schema: Schema,
): ReadDocument<z.output<Schema>> {
  const { document, lines } = parse(text, file);
  const lineOf = (path: readonly PropertyKey[]) => lines.linePos(offsetOf(document, path)).line;
  const result = schema.safeParse(resolve(document, file));
  if (!result.success) {
    const { path, message } = findFault(result.error);
    throw new DocumentError(`${file}, line ${lineOf(path)}: ${message}`);
  }
  return { value: result.data, lineOf };
}

/** What YAML or JSON holds, whatever it is. @throws DocumentError naming file, line and what is wrong */
export function readText(text: string, file: string): unknown {
  return resolve(parse(text, file).document, file);
}

function parse(text: string, file: string): { document: Document; lines: LineCounter } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) throw new DocumentError(`${file}, line ${lines.linePos(broken.pos[0]).line}: ${oneLine(broken.message)}`);
  return { document, lines };
}

/** Aliases can be made to blow up, and only show when they are resolved. */
function resolve(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new DocumentError(`${file}: ${oneLine(error instanceof Error ? error.message : String(error))}`);
  }
}

/** Where a path leads; where it leads nowhere, the last of its nodes that is there. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const part of path) {
    const pair = isMap(node) ? node.items.find(({ key }) => isNode(key) && String(key) === String(part)) : undefined;
    if (isNode(pair?.key)) offset = pair.key.range?.[0] ?? offset;
    const next: unknown = isNode(node) && 'get' in node ? node.get(part, true) : undefined;
    if (!pair && isNode(next)) offset = next.range?.[0] ?? offset;
    node = next;
  }
  return offset;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** An object of exactly these members: an unknown one is refused with the list of the right ones. */
export function members<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const unknown = (issue.keys ?? []).map((key) => JSON.stringify(key)).join(', ');
      const advice = didYouMean(issue.keys?.[0] ?? '', names);
      return `${unknown} is unknown here${advice || ';'} the members are ${names.join(', ')}`;
    },
  });
}

type Issue = z.core.$ZodIssue;

interface Fault {
  /** Where it lies; for an unknown member, that member itself. */
  path: readonly PropertyKey[];
  /** Which field it is, and what is wrong with it. */
  message: string;
}

/**
 * What is wrong with a value: an unknown member before all else, because a misspelled one is missing as well. Of a union it is
 * the branch that came furthest that says what was meant.
 */
export function findFault(error: z.ZodError): Fault {
  const issues = error.issues.map((issue) => deepest(issue, []));
  const found = issues.find(({ issue }) => issue.code === 'unrecognized_keys') ?? issues[0];
  if (!found) return { path: [], message: 'it is not understood' };
  const { path, issue } = found;
  const field = fieldName(path);
  const message = textOf(issue);
  return {
    path: issue.code === 'unrecognized_keys' ? [...path, ...issue.keys.slice(0, 1)] : path,
    message: field === '' ? message : `${field}: ${message}`,
  };
}

interface Found {
  path: readonly PropertyKey[];
  issue: Issue;
}

function deepest(issue: Issue, before: readonly PropertyKey[]): Found {
  const path = [...before, ...issue.path];
  let best: Found | undefined;
  for (const branch of issue.code === 'invalid_union' ? issue.errors : []) {
    const first = branch.find(({ code }) => code === 'unrecognized_keys') ?? branch[0];
    if (!first || isOfAnotherKind(first)) continue;
    const found = deepest(first, path);
    if (!best || found.path.length > best.path.length) best = found;
  }
  return best ?? { path, issue };
}

/** A branch that is for another kind of value says nothing of this one. */
function isOfAnotherKind({ code, path }: Issue): boolean {
  return (code === 'invalid_type' || code === 'custom') && path.length === 0;
}

function textOf(issue: Issue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is required';
  if (issue.code === 'invalid_key') return `the key: ${issue.issues[0]?.message}`;
  return issue.message;
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    return name === '' ? String(part) : `${name}.${String(part)}`;
  }, '');
}
