/** The part of JSON Schema that the contract uses. */
export interface Schema {
  format?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  $ref?: string;
  description?: string;
  default?: unknown;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

/** A schema's type in a few words, for a table. */
export function typeName(schema: Schema): string {
  if (schema.$ref) return `[${schema.$ref.split('/').at(-1)}](#${schema.$ref.split('/').at(-1)?.toLowerCase()})`;
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' \\| ');
  const branches = schema.anyOf ?? schema.oneOf;
  const bounds = boundsOf(schema);
  const pattern = schema.pattern === undefined ? '' : ` like \`${schema.pattern.replaceAll('|', '\\|')}\``;
  const given = schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`;
  if (branches) return branches.map(typeName).join(' \\| ') + given;
  if (schema.items) return `list of ${typeName(schema.items)}${bounds}${given}`;
  if (schema.properties)
    return `{ ${Object.entries(schema.properties)
      .map(([name, inner]) => `${name}: ${typeName(inner)}`)
      .join(', ')} }`;
  return `${[schema.type ?? 'any'].flat().join(' \\| ')}${bounds}${pattern}${given}`;
}

/** A bound that zod gives every integer, which tells a reader nothing. */
function boundsOf(schema: Schema): string {
  const sane = (bound: number | undefined) =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
  const least = sane(schema.minimum) ?? schema.minItems ?? schema.minLength;
  const above = sane(schema.exclusiveMinimum);
  const most = sane(schema.maximum) ?? schema.maxItems ?? schema.maxLength;
  const unit = schema.maxLength !== undefined || schema.minLength !== undefined ? ' characters' : '';
  if (above !== undefined) return ` (> ${above}${most === undefined ? '' : `, ≤ ${most}`})`;
  if (least !== undefined && most !== undefined) return ` (${least}…${most}${unit})`;
  if (most !== undefined) return ` (≤ ${most}${unit})`;
  return least === undefined ? '' : ` (≥ ${least}${unit})`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
