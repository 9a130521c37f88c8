import type * as z from 'zod';

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
