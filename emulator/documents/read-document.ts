import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { DocumentError } from './document-error.ts';
import { findFault } from './find-fault.ts';

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
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) throw new DocumentError(`${file}, line ${lines.linePos(broken.pos[0]).line}: ${oneLine(broken.message)}`);
  const lineOf = (path: readonly PropertyKey[]) => lines.linePos(offsetOf(document, path)).line;
  const result = schema.safeParse(resolve(document, file));
  if (!result.success) {
    const { path, message } = findFault(result.error);
    throw new DocumentError(`${file}, line ${lineOf(path)}: ${message}`);
  }
  return { value: result.data, lineOf };
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
