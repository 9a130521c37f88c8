/** Where two values first differ, and what stands there. */
interface Difference {
  /** `messages[2].tool_calls[0].id`; empty where the values themselves differ. */
  path: string;
  actual: unknown;
  expected: unknown;
}

/** Of a long text so much before the first character that differs. */
const BEFORE = 24;
const MAX_SHOWN = 300;

/** The first place, in the order of the expected value, at which two values differ; undefined where they are equal. */
export function firstDifference(actual: unknown, expected: unknown, path = ''): Difference | undefined {
  if (Object.is(actual, expected)) return undefined;
  if (!isObject(actual) || !isObject(expected) || Array.isArray(actual) !== Array.isArray(expected)) {
    return { path, actual, expected };
  }
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const at = Array.isArray(expected) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    // A field that is undefined and one that is not there are the same, as they are in JSON.
    const found = firstDifference(actual[name], expected[name], at);
    if (found) return found;
  }
  return undefined;
}

/** What differs, in words: `messages[2].name: expected "ann", got nothing`. */
export function describeDifference({ path, actual, expected }: Difference): string {
  const [due, came] =
    typeof actual === 'string' && typeof expected === 'string'
      ? aroundFirstDifference(expected, actual)
      : [preview(expected), preview(actual)];
  return `${path === '' ? '' : `${path}: `}expected ${due}, got ${came}`;
}

/** Both texts from shortly before the character at which they part. */
function aroundFirstDifference(expected: string, actual: string): [string, string] {
  if (expected.length <= MAX_SHOWN && actual.length <= MAX_SHOWN) return [preview(expected), preview(actual)];
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at += 1;
  const from = Math.max(0, at - BEFORE);
  const shown = (text: string) => `${from > 0 ? `character ${from} on: ` : ''}${preview(text.slice(from))}`;
  return [shown(expected), shown(actual)];
}

export function preview(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
