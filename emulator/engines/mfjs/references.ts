import { faultAt, isSchema, join, type Schema, type SchemaFault, typesOf } from './schema-tree.ts';

/** What a reference such as `#/$defs/A/properties/b` leads to; undefined where that is not a schema. */
export function resolveReference(root: Schema, reference: string): Schema | undefined {
  let found: unknown = root;
  for (const name of reference.split('/').slice(1)) {
    if (!isSchema(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return isSchema(found) ? found : undefined;
}

interface Step {
  schema: Schema;
  path: string;
}

/**
 * A schema that only ever leads back into itself has no finite value. It is looked for from the root only, and an object counts
 * as finite where any of its required properties is, as the official library has it.
 */
export function findEndlessReference(root: Schema): SchemaFault | undefined {
  const seen = new Set<Schema>();
  const waiting: Schema[] = [root];
  for (let schema = waiting.pop(); schema; schema = waiting.pop()) {
    if (seen.has(schema)) continue;
    seen.add(schema);
    const needed = neededBy({ schema, path: '' }, root);
    if (needed.length === 0) return undefined;
    for (const step of needed) waiting.push(step.schema);
  }
  let step: Step = { schema: root, path: '' };
  while (step.schema.$ref === undefined) step = neededBy(step, root)[0] as Step;
  return faultAt(step.path === '' ? 'root' : step.path, 'ref_endless');
}

/** Of which schemas one must have a finite value for this one to have it; none where it has by itself. */
function neededBy({ schema, path }: Step, root: Schema): Step[] {
  const { $ref, anyOf, required, properties, items } = schema;
  if (typeof $ref === 'string') {
    const target = resolveReference(root, $ref);
    return target ? [{ schema: target, path }] : [];
  }
  if (Array.isArray(anyOf)) {
    return anyOf.filter(isSchema).map((branch) => ({ schema: branch, path: join(path, 'anyOf') }));
  }
  if (typesOf(schema).length > 1) return [];
  if (Array.isArray(required) && isSchema(properties)) {
    const above = join(path, 'properties');
    return required.flatMap((name: string) => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return isSchema(property) ? [{ schema: property, path: join(above, name) }] : [];
    });
  }
  return isSchema(items) ? [{ schema: items, path: join(path, 'items') }] : [];
}
