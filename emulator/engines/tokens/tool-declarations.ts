/**
 * Tools as K2.5, K2.6 and K2.7 read them: declared in TypeScript, inside the `tool_declare` message of their prompt
 * [MoonshotAI/Kimi-Vendor-Verifier 3dad65a, beam/tokenizer; checked against the text and count that it gives for 138 lists].
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = { [key: string]: Json };

interface DeclaredTool {
  function: { name: string; description?: string | undefined; parameters?: unknown };
}

/** Constraints that are told in a comment, in this order. The encoder tells of no others. */
const CONSTRAINTS = ['maxItems', 'maxLength', 'maximum', 'minItems', 'minLength', 'minimum', 'pattern'] as const;
const INDENT = '  ';

/**
 * The text of a list of tools, which ends in a line feed.
 * @example
 * declareTools([{ function: { name: 'ping' } }]);
 * // # Tools\n\n## functions\nnamespace functions {\ntype ping = (_: {}) => any;\n}\n
 */
export function declareTools(tools: readonly DeclaredTool[]): string {
  const declarations = tools.map(({ function: tool }) => declareTool(tool));
  return `# Tools\n\n## functions\nnamespace functions {\n${declarations.join('\n')}\n}\n`;
}

function declareTool({ name, description, parameters }: DeclaredTool['function']): string {
  const schema = isSchema(parameters) ? parameters : { type: 'object' };
  const lines = [
    ...interfacesOf(schema),
    ...comment(description, ''),
    `type ${name} = (_: ${refersToRoot(schema) ? 'parameters' : typeOf(schema, '')}) => any;`,
  ];
  return lines.join('\n');
}

function interfacesOf(schema: Schema): string[] {
  const definitions = isSchema(schema.$defs) ? sorted(schema.$defs) : [];
  const interfaces = definitions.map(([name, definition]) => declareInterface(name, definition));
  return refersToRoot(schema) ? [...interfaces, declareInterface('parameters', schema)] : interfaces;
}

function declareInterface(name: string, definition: Json): string {
  const schema = isSchema(definition) ? definition : {};
  const head = isObject(schema) ? `interface ${name} ` : `type ${name} = `;
  return [...comment(schema.description, ''), `${head}${typeOf(schema, '')}`].join('\n');
}

/** Whether a schema refers to itself as a whole. Arrays and objects are looked through alike. */
function refersToRoot(schema: Schema): boolean {
  const waiting: Json[] = [schema];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if (!Array.isArray(next) && next.$ref === '#') return true;
    waiting.push(...Object.values(next));
  }
  return false;
}

function isObject({ type, properties, additionalProperties }: Schema): boolean {
  return type === 'object' || properties !== undefined || additionalProperties !== undefined;
}

/** The type of a value. Lines behind the first begin with `indent`. */
function typeOf(schema: Json | undefined, indent: string): string {
  if (!isSchema(schema)) return 'any';
  const { $ref, anyOf, enum: values, type } = schema;
  if (typeof $ref === 'string') return $ref === '#' ? 'parameters' : ($ref.split('/').at(-1) ?? 'any');
  if (Array.isArray(anyOf)) return anyOf.map((branch) => typeOf(branch, indent)).join(' | ');
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one }, indent)).join(' | ');
  if (type === 'array') return arrayType(schema.items, indent);
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string' || type === 'boolean' || type === 'null') return type;
  return isObject(schema) ? objectType(schema, indent) : 'any';
}

function arrayType(items: Json | undefined, indent: string): string {
  const inner = indent + INDENT;
  const notes = isSchema(items) ? notesOf(items, inner) : [];
  if (notes.length === 0) return `Array<${typeOf(items, indent)}>`;
  return `Array<\n${notes.join('\n')}\n${inner}${typeOf(items, inner)}\n${indent}>`;
}

function objectType({ properties, required, additionalProperties: rest }: Schema, indent: string): string {
  const inner = indent + INDENT;
  const names = new Set(Array.isArray(required) ? required : []);
  const members = isSchema(properties) ? sorted(properties) : [];
  const inOrder = [...members.filter(([name]) => names.has(name)), ...members.filter(([name]) => !names.has(name))];
  const lines = inOrder.map(([name, property]) => {
    const mark = names.has(name) ? '' : '?';
    const notes = isSchema(property) ? notesOf(property, inner) : [];
    return [...notes, `${inner}${name}${mark}: ${typeOf(property, inner)}`].join('\n');
  });
  if (rest !== undefined) lines.push(`${inner}[k: string]: ${restType(rest, inner)}`);
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`;
}

function restType(rest: Json, indent: string): string {
  if (rest === false) return 'never';
  return rest === true ? 'any' : typeOf(rest, indent);
}

/** What a comment says of a property: its description, its constraints, its default. */
function notesOf(schema: Schema, indent: string): string[] {
  const lines = comment(schema.description, indent);
  const constraints = CONSTRAINTS.filter((name) => schema[name] !== undefined).map(
    (name) => `${name}: ${pythonText(schema[name] ?? null)}`,
  );
  if (constraints.length > 0) lines.push(`${indent}// ${constraints.join(', ')}`);
  if (schema.default !== undefined && schema.default !== null)
    lines.push(`${indent}// Default: ${defaultText(schema.default)}`);
  return lines;
}

function comment(text: Json | undefined, indent: string): string[] {
  return typeof text === 'string' && text !== '' ? text.split('\n').map((line) => `${indent}// ${line}`) : [];
}

/** The encoder is written in Python: what is not text, list or object is printed as Python does. */
function defaultText(value: Json): string {
  return typeof value === 'string' || (typeof value === 'object' && value !== null)
    ? spacedJson(value)
    : pythonText(value);
}

function pythonText(value: Json): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

/** JSON with a space behind each comma and colon. */
function spacedJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = sorted(value).map(([name, member]) => `${JSON.stringify(name)}: ${spacedJson(member)}`);
  return `{${members.join(', ')}}`;
}

/** Members by name, by code point as Python sorts, which differs from JavaScript's order beyond the BMP. */
function sorted(members: { [key: string]: Json }): [string, Json][] {
  return Object.entries(members).sort(([a], [b]) => compareCodePoints(a, b));
}

const SURROGATE = /[\ud800-\udfff]/;

/** The order of Python. JavaScript's is another only where half of a surrogate pair is compared. */
export function compareCodePoints(a: string, b: string): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
