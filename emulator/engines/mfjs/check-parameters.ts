import { checkSchema, type SchemaLevel } from './check-schema.ts';
import type { SchemaFault } from './schema-tree.ts';

/** Why the live API refuses a tool's parameters: their root is not an object's, or a schema in them is not of the flavour. */
type ParametersFault = { root: true } | SchemaFault;

/**
 * Checks what a tool declares about its parameters. Without any they may be anything. Departure: a schema that is not enforced
 * (`strict: false`) is not checked beyond its root; what the live server does is not known.
 */
export function checkParameters(
  { parameters, strict }: { parameters?: unknown; strict?: unknown },
  level: SchemaLevel,
): ParametersFault | undefined {
  if (parameters === undefined) return undefined;
  const isObject = typeof parameters === 'object' && parameters !== null && 'type' in parameters;
  if (!isObject || parameters.type !== 'object') return { root: true };
  return strict === false ? undefined : checkSchema(parameters, { level, typeBesideAnyOf: true });
}
