import { FAULT_TEXTS, type SchemaRule } from './faults.ts';

/** The first fault of a schema. */
export interface SchemaFault {
  /** Where it is, such as `properties.a.items`; `root` for the schema itself. */
  path: string;
  rule: SchemaRule;
  /** In the official validator's words. */
  text: string;
}

export type Details<Rule extends SchemaRule> = Parameters<(typeof FAULT_TEXTS)[Rule]>;

export function faultAt<Rule extends SchemaRule>(path: string, rule: Rule, ...details: Details<Rule>): SchemaFault {
  const write = FAULT_TEXTS[rule] as (...details: Details<Rule>) => string;
  return { path, rule, text: write(...details) };
}

export type Schema = Record<string, unknown>;

/** One schema on the way through the tree. */
export interface Visit {
  schema: Schema;
  /** Empty at the root. */
  path: string;
  /** How many `properties` stand above it. */
  depth: number;
}

/** The path of a member, written as the official validator does. */
export function join(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Types that a schema names, where they are well formed. */
export function typesOf({ type }: Schema): readonly string[] {
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((item) => typeof item === 'string') : [];
}

/** Adds the schemas that stand directly in another, in the order in which they are checked. */
function addChildren({ schema, path, depth }: Visit, found: Visit[]): void {
  const { properties, items, additionalProperties, anyOf, $defs } = schema;
  if (isSchema(properties)) addMembers(properties, join(path, 'properties'), depth + 1, found);
  if (isSchema(items)) found.push({ schema: items, path: join(path, 'items'), depth });
  if (isSchema(additionalProperties)) {
    found.push({ schema: additionalProperties, path: join(path, 'additionalProperties'), depth });
  }
  if (Array.isArray(anyOf)) {
    const branch = join(path, 'anyOf');
    for (const item of anyOf) if (isSchema(item)) found.push({ schema: item, path: branch, depth });
  }
  if (isSchema($defs)) addMembers($defs, join(path, '$defs'), depth, found);
}

function addMembers(members: Schema, above: string, depth: number, found: Visit[]): void {
  for (const name of Object.keys(members)) {
    const schema = members[name];
    if (isSchema(schema)) found.push({ schema, path: join(above, name), depth });
  }
}

/** Visits every schema of a tree, parents first, and stops at the first fault. */
export function findInTree(root: Schema, check: (visit: Visit) => SchemaFault | undefined): SchemaFault | undefined {
  const waiting: Visit[] = [{ schema: root, path: '', depth: 0 }];
  const children: Visit[] = [];
  for (let visit = waiting.pop(); visit; visit = waiting.pop()) {
    const fault = check(visit);
    if (fault) return fault;
    addChildren(visit, children);
    for (let child = children.pop(); child; child = children.pop()) waiting.push(child);
  }
  return undefined;
}
