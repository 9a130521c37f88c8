import { faultAt, findInTree, join, type Schema, type SchemaFault, typesOf, type Visit } from './schema-tree.ts';

/** Keywords of the flavour that any schema may have. */
const COMMON = ['type', 'description', 'title', 'default', 'enum', 'anyOf', '$ref', '$id', '$defs'] as const;
/** Those that belong to a type. */
const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  null: [],
};
const SUPPORTED: ReadonlySet<string> = new Set([...COMMON, ...Object.values(OF_TYPE).flat()]);
/** What may stand beside a reference or branches. */
const BESIDE: ReadonlySet<string> = new Set(['description', 'title', 'default', '$id', '$defs']);
const ONLY_AT_ROOT = ['$id', '$defs'] as const;

interface Range {
  least: string;
  most: string;
  /** A length; otherwise a number. */
  counts: boolean;
}

const RANGES: readonly Range[] = [
  { least: 'minLength', most: 'maxLength', counts: true },
  { least: 'minItems', most: 'maxItems', counts: true },
  { least: 'minimum', most: 'maximum', counts: false },
];

/** Keywords outside the flavour, in the whole tree, before anything else is looked at. */
export function checkUnsupportedKeywords(root: Schema): SchemaFault | undefined {
  return findInTree(root, ({ schema, path }) => {
    const unknown = Object.keys(schema).filter((keyword) => !SUPPORTED.has(keyword));
    if (unknown.length === 0) return undefined;
    return faultAt(path === '' ? 'root' : path, 'keyword_unsupported', unknown.sort());
  });
}

/** Keywords that are in the flavour, and out of place. */
export function checkKeywordUse({ schema, path }: Visit): SchemaFault | undefined {
  const place = path === '' ? 'root' : path;
  const keywords = Object.keys(schema);
  for (const joint of ['$ref', 'anyOf']) {
    if (!Object.hasOwn(schema, joint)) continue;
    const beside = keywords.find((keyword) => keyword !== joint && !BESIDE.has(keyword));
    if (beside !== undefined) {
      return faultAt(place, 'keyword_beside', beside, joint);
    }
  }
  const types = typesOf(schema);
  const doubled = types.find((type, index) => types.indexOf(type) !== index);
  if (doubled !== undefined) return faultAt(place, 'type_doubled', doubled);
  // Several types have a rule of their own, but beside an enum.
  const foreign = types.length > 1 && schema.enum === undefined ? [] : foreignTo(types, keywords);
  if (foreign.length > 0) return faultAt(place, 'keyword_foreign', foreign);
  const rooted = path === '' || types.length > 1 ? undefined : ONLY_AT_ROOT.find((name) => keywords.includes(name));
  return rooted && faultAt(place, 'keyword_off_root', rooted);
}

function foreignTo(types: readonly string[], keywords: readonly string[]): string[] {
  if (types.length === 0) return [];
  const own = new Set<string>([...COMMON, ...types.flatMap((type) => OF_TYPE[type] ?? [])]);
  return keywords.filter((keyword) => !own.has(keyword)).sort();
}

/** Lengths and bounds that are of the wrong kind, negative, or exclude each other. */
export function checkRanges({ schema, path }: Visit): SchemaFault | undefined {
  const place = path === '' ? 'root' : path;
  const whole = typesOf(schema).includes('integer');
  for (const { least, most, counts } of RANGES) {
    for (const keyword of [least, most]) {
      if (!Object.hasOwn(schema, keyword)) continue;
      const rule = counts ? lengthFault(schema[keyword]) : boundFault(schema[keyword], whole);
      if (rule === 'bound_not_whole') return faultAt(place, rule);
      if (rule !== undefined) return faultAt(place, rule, keyword);
    }
    const [low, high] = [schema[least], schema[most]];
    if (typeof low === 'number' && typeof high === 'number' && low > high) {
      // The official library names the keyword of a length, and the schema of a bound.
      return faultAt(counts ? join(path, least) : place, 'range_empty', least, low, most, high);
    }
  }
  return undefined;
}

function lengthFault(value: unknown): 'bound_not_integer' | 'bound_negative' | undefined {
  if (!Number.isInteger(value)) return 'bound_not_integer';
  return Number(value) < 0 ? 'bound_negative' : undefined;
}

function boundFault(
  value: unknown,
  whole: boolean,
): 'bound_not_integer' | 'bound_not_number' | 'bound_not_whole' | undefined {
  if (typeof value !== 'number') return whole ? 'bound_not_integer' : 'bound_not_number';
  return whole && !Number.isInteger(value) ? 'bound_not_whole' : undefined;
}
