/** The texts of the official validator, by the rule that is broken [MoonshotAI/walle v0.1.13]. */
export const FAULT_TEXTS = {
  schema_not_object: () => 'schema must be a dict',
  too_large: () => 'schema exceeds maximum allowed size',
  too_deep: (limit: number) => `schema depth exceeds maximum limit of ${limit}`,
  too_many_properties: (count: number, limit: number) =>
    `total number of properties keys(${count}) across all objects exceeds maximum limit of ${limit}`,
  type_malformed: () => 'type must be string or array of strings',
  type_unknown: () => 'invalid type',
  type_unknown_in_list: () => 'invalid type in type array',
  type_list_empty: () => 'type array cannot be empty',
  type_beside_any_of: () => 'when using anyOf, type should be defined in anyOf items instead of the parent schema',
  type_beside_ref: () =>
    'when using $ref, type should be defined in the referenced schema instead of the parent schema',
  keyword_beside_types: (keyword: string) => `keyword ${keyword} is not allowed in combination with multiple types`,
  properties_not_object: () => 'properties must be an object',
  property_not_object: (name: string) => `property schema for '${name}' must be an object`,
  property_name_reserved: (name: string) => `property name '${name}' is reserved for JSON Schema keywords`,
  property_name_empty: () => 'property name cannot be empty',
  required_not_array: () => 'required must be an array',
  required_not_strings: () => 'items in required array must be strings',
  required_unknown: (name: string) => `required property '${name}' is not defined in properties`,
  required_without_properties: () => "required specified but 'properties' keyword is missing",
  required_empty_name: () => 'property names in required array cannot be empty',
  required_doubled: (name: string) => `duplicate property name '${name}' in required array`,
  enum_not_array: () => 'enum must be an array',
  enum_empty: () => 'enum array cannot be empty',
  enum_too_long: (limit: number) => `enum array cannot have more than ${limit} items`,
  enum_without_type: () => 'type is not defined',
  enum_path_with_braces: (path: string) => `invalid path: ${path}`,
  enum_of_container: (type: string) =>
    type === 'array'
      ? 'type array is not allowed in combination with enum'
      : `type ${type} is not allowed in combination with enum`,
  enum_of_types: () =>
    'when type is array and enum is specified, currently only 2 types are supported, one must be null, and the other can be string/integer/number/boolean',
  enum_of_nulls: () => 'invalid type combination with enum: null + null',
  enum_value: (value: string, types: readonly string[]) =>
    `enum value (${value}) does not match any type in [${types.join(' ')}]`,
  enum_number: () => 'not a valid number',
  enum_integer: () => 'not a valid integer',
  items_not_object: () => 'items must be an object',
  rest_malformed: () => 'additionalProperties must be a boolean or an object',
  text_malformed: (keyword: string) => `${keyword} must be a string`,
  any_of_not_array: () => 'anyOf must be an array',
  any_of_length: (limit: number) => `anyOf must have 1-${limit} items`,
  any_of_not_objects: () => 'schema in anyOf must be an object',
  any_of_conflict: (keywords: readonly string[]) =>
    `conflicting keywords found in anyOf with parent: keywords (${keywords.join(', ')}) are defined on the parent schema and inside anyOf; remove them from the parent or from anyOf branches`,
  ref_not_string: () => '$ref must be a string',
  ref_elsewhere: () => 'references must start with #/$defs/',
  ref_name_empty: () => 'definition name cannot be empty',
  ref_without_definitions: (reference: string) => `$defs not found for reference: ${reference}`,
  ref_unresolved: (reference: string) => `invalid $ref path: ${reference}`,
  ref_conflict: (keywords: readonly string[]) =>
    `conflicting keywords found after $ref expansion: keywords (${keywords.join(', ')}) are defined both alongside "$ref" and in the referenced schema; remove the duplicates`,
  ref_expansion: (inner: string) => `invalid schema after $ref expansion: (${inner})`,
  ref_endless: () => 'detected infinite recursion without termination condition',
  definitions_not_object: () => '$defs must be an object',
  definition_not_object: () => '$defs schema must be object',
  definition_name_empty: () => '$defs property name cannot be empty',
  definition_name_slash: (name: string) => `$defs property name '${name}' cannot contain '/' character`,
  keyword_unsupported: (keywords: readonly string[]) => `unsupported keywords: ${keywords.join(', ')}`,
  keyword_foreign: (keywords: readonly string[]) => `invalid keywords: ${keywords.join(', ')}`,
  keyword_beside: (keyword: string, joint: string) =>
    `keyword '${keyword}' is not allowed at the same level as ${joint}`,
  keyword_off_root: (keyword: string) => `keyword ${keyword} must be at root level`,
  type_doubled: (type: string) => `duplicate type '${type}' in type array`,
  bound_not_integer: (keyword: string) => `${keyword} must be an integer`,
  bound_not_number: (keyword: string) => `${keyword} must be a number`,
  bound_negative: (keyword: string) => `${keyword} must be non-negative`,
  bound_not_whole: () => 'not a valid integer',
  range_empty: (least: string, low: number, most: string, high: number) =>
    `${least} (${low}) cannot be greater than ${most} (${high})`,
} as const satisfies Record<string, (...details: never[]) => string>;

export type SchemaRule = keyof typeof FAULT_TEXTS;

/** How a schema that breaks a rule is written instead. */
export const ADVICE: Readonly<Record<SchemaRule, string>> = {
  schema_not_object: 'write the schema as an object',
  too_large: 'shorten descriptions, or split the tool in two',
  too_deep: 'flatten objects that hold objects, or take a part as JSON text',
  too_many_properties: 'split the tool in two, or take a part as JSON text',
  type_malformed: 'name one type, or a list of types',
  type_unknown: 'use object, array, string, number, integer, boolean or null',
  type_unknown_in_list: 'use object, array, string, number, integer, boolean or null',
  type_list_empty: 'name a type, or leave type out',
  type_beside_any_of: 'move type into each branch of anyOf',
  type_beside_ref: 'leave type out beside $ref: the definition has it',
  keyword_beside_types: 'write anyOf with a branch for each type, and the keyword in the branch it belongs to',
  properties_not_object: 'write properties as an object of schemas',
  property_not_object: 'write {} for a property that may be anything',
  property_name_reserved: 'rename the property: names of JSON Schema keywords are taken for keywords',
  property_name_empty: 'give the property a name',
  required_not_array: 'write required as a list of property names',
  required_not_strings: 'write required as a list of property names',
  required_unknown: 'declare the property, or leave it out of required',
  required_without_properties: 'declare the properties, or leave required out',
  required_empty_name: 'leave the empty name out',
  required_doubled: 'name each property once',
  enum_not_array: 'write enum as a list of values',
  enum_empty: 'list at least one value, or leave enum out',
  enum_too_long: 'take the value as a string, and say in its description which are valid',
  enum_without_type: 'add the type of the values beside enum',
  enum_path_with_braces: 'rename the property: its name holds braces',
  enum_of_container: 'write the values as strings',
  enum_of_types: 'use one type, or one type and null',
  enum_of_nulls: 'use one type, or one type and null',
  enum_value: 'make type name the type of each value',
  enum_number: 'use numbers only; put "null" first where null is one of the values',
  enum_integer: 'use whole numbers only; put "null" first where null is one of the values',
  items_not_object: 'write items as one schema; tuples and booleans are not taken',
  rest_malformed: 'write true, false or a schema',
  text_malformed: 'write it as a string',
  any_of_not_array: 'write anyOf as a list of schemas',
  any_of_length: 'list 1 to 500 branches',
  any_of_not_objects: 'write each branch as an object',
  any_of_conflict: 'keep the keyword in one place: beside anyOf or in its branches',
  ref_not_string: 'write $ref as a string such as #/$defs/Name',
  ref_elsewhere: 'move the definition to $defs at the root, and refer to #/$defs/Name',
  ref_name_empty: 'name the definition: #/$defs/Name',
  ref_without_definitions: 'put the definition into $defs at the root',
  ref_unresolved: 'put the definition into $defs at the root, or correct the reference',
  ref_conflict: 'leave out beside $ref what the definition says already',
  ref_expansion: 'put $ref alone, or write the definition out where it is used',
  ref_endless: 'make a property on the way back optional, or let it be null',
  definitions_not_object: 'write $defs as an object of schemas',
  definition_not_object: 'write each definition as an object',
  definition_name_empty: 'name the definition',
  definition_name_slash: 'use another character than / in the name',
  keyword_unsupported: 'leave the keyword out, and say it in the description',
  keyword_foreign: 'leave out what does not belong to the type',
  keyword_beside: 'move the keyword into the branches or the definition',
  keyword_off_root: 'move it to the root of the schema',
  type_doubled: 'name each type once',
  bound_not_integer: 'write a whole number',
  bound_not_number: 'write a number',
  bound_negative: 'write 0 or more',
  bound_not_whole: 'write a whole number',
  range_empty: 'put the smaller one first',
};

/** A JSON value as the official library prints it, which is how Go prints any value. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'number') return formatNumber(value);
  if (Array.isArray(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${members.map(([name, member]) => `${name}:${formatValue(member)}`).join(' ')}]`;
  }
  return String(value);
}

/** The shortest digits that tell it apart; with an exponent below a ten-thousandth and from a million on. */
function formatNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
