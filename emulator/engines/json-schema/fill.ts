import { fillList, fillObject, type Given, markOf } from './containers.ts';
import { Effort } from './effort.ts';
import { type Hints, readings } from './hints.ts';
import { flatten, isObject, merge, type Schema, schemasIn } from './resolve.ts';
import { fillNumber, fillText } from './scalars.ts';
import { isValid, typeOf } from './validate.ts';

/** A value for a schema, and how many of its parts the context gave. */
export interface Filled {
  value: unknown;
  evidence: number;
}

const MAX_DEPTH = 32;
/** What a visit to a subschema costs: unions in unions would multiply. */
const VISIT = 200;
/** Other values tried where the schema says what it must not be. */
const RETRIES = 8;

/** Keywords whose effect cannot be planned for: what was filled is checked, and tried again. */
const CHECKED = 'not if contains dependentRequired dependentSchemas propertyNames patternProperties anyOf oneOf'.split(
  ' ',
);

/** A value that is valid under the schema, taken from the hints where names match, filled in otherwise. The same for the same input. */
export function fillSchema(schema: unknown, hints: Hints): Filled {
  return new Filler(schema, hints).fill(schema, [], 0, true) ?? { value: null, evidence: 0 };
}

/** Fills one schema, part by part. `required` parts may use up what the request says without a name. */
export class Filler {
  readonly root: unknown;
  readonly effort = new Effort();
  readonly #hints: Hints;
  #depth = 0;
  /** What the earlier objects of the list at hand were given. */
  given: Given = { marks: new Set(), mayRepeat: true };

  constructor(root: unknown, hints: Hints) {
    this.root = root;
    this.#hints = hints;
  }

  /** Undefined where nothing can be valid. */
  fill(schema: unknown, path: readonly string[], variant: number, required: boolean): Filled | undefined {
    if (this.#depth >= MAX_DEPTH || !this.effort.spend(VISIT)) return undefined;
    this.#depth += 1;
    const filled = this.#fill(schema, path, variant, required);
    this.#depth -= 1;
    return filled;
  }

  #fill(schema: unknown, path: readonly string[], variant: number, required: boolean): Filled | undefined {
    const flat = flatten(schema, this.root, this.effort);
    if (flat === undefined) return undefined;
    const known = this.fromContext(flat, path, required);
    if (known !== undefined) return known;
    const checked = CHECKED.some((keyword) => flat[keyword] !== undefined);
    let first: Filled | undefined;
    for (let retry = 0; retry <= (checked ? RETRIES : 0); retry += 1) {
      const filled = this.#invent(flat, path, variant + retry, required);
      if (filled === undefined || !checked || this.isValid(filled.value, flat)) return filled;
      const narrowed = first === undefined ? this.#narrowed(flat, filled.value) : undefined;
      const other = narrowed && this.#invent(narrowed, path, variant, required);
      if (other !== undefined && this.isValid(other.value, flat)) return other;
      first ??= filled;
    }
    return first;
  }

  /** The schema with what its conditions ask of a value like this one. */
  #narrowed(flat: Schema, value: unknown): Schema | undefined {
    const { if: condition, then: met, else: unmet, dependentSchemas, ...plain } = flat;
    const holds = condition !== undefined && this.isValid(value, condition);
    const dependents = isObject(dependentSchemas) && isObject(value) ? Object.entries(dependentSchemas) : [];
    const asked = dependents
      .filter(([name]) => isObject(value) && Object.hasOwn(value, name))
      .map(([, other]) => other);
    if (condition !== undefined) asked.push(...(holds ? [condition, met ?? true] : [unmet ?? true]));
    return asked.length === 0 ? undefined : flatten({ allOf: [plain, ...asked] }, this.root, this.effort);
  }

  isValid(value: unknown, schema: unknown): boolean {
    return isValid(value, schema, this.root, this.effort);
  }

  /** A value under the property's name, a member of an enumeration that the request mentions, or what it says without a name. */
  fromContext(flat: Schema, path: readonly string[], required: boolean): Filled | undefined {
    const types = typesOf(flat);
    let repeated: Filled | undefined;
    for (const hint of this.#hints.valuesFor(path)) {
      for (const value of [...membersLike(flat, hint.text), ...readings(hint, types)]) {
        if (!this.isValid(value, flat)) continue;
        if (!this.given.marks.has(markOf(path, value))) return { value, evidence: 1 };
        if (this.given.mayRepeat) repeated ??= { value, evidence: 1 };
      }
    }
    if (repeated !== undefined) return repeated;
    const mentioned = schemasIn(flat.enum).find((member) => typeof member === 'string' && this.#hints.mentions(member));
    if (mentioned !== undefined && this.isValid(mentioned, flat)) return { value: mentioned, evidence: 1 };
    const scalar = types.some((type) => ['string', 'number', 'integer'].includes(type));
    if (!required || flat.enum !== undefined || 'const' in flat || !scalar || types.includes('null')) return undefined;
    let taken: Filled | undefined;
    this.#hints.takeLoose((hint) => {
      const value = [...readings(hint, types)].find((reading) => this.isValid(reading, flat));
      if (value !== undefined) taken = { value, evidence: 1 };
      return value !== undefined;
    });
    return taken;
  }

  #invent(flat: Schema, path: readonly string[], variant: number, required: boolean): Filled | undefined {
    if ('const' in flat) return { value: flat.const, evidence: 0 };
    if (Array.isArray(flat.enum)) return this.#member(flat, variant);
    if (variant === 0 && flat.default !== undefined && this.isValid(flat.default, flat))
      return { value: flat.default, evidence: 0 };
    const branches = [flat.anyOf, flat.oneOf].find((list) => Array.isArray(list));
    if (branches !== undefined) return this.#branch(flat, branches, path, variant, required);
    const types = typesOf(flat);
    const type = types.includes('null') && variant === 0 ? 'null' : types.filter((name) => name !== 'null')[0];
    switch (type) {
      case undefined:
      case 'null':
        return types.length === 0 ? undefined : { value: null, evidence: 0 };
      case 'boolean':
        return { value: variant % 2 === 1, evidence: 0 };
      case 'integer':
      case 'number':
        return { value: fillNumber(flat, type === 'integer', variant, this.effort), evidence: 0 };
      case 'array':
        return fillList(this, flat, path, variant);
      case 'object':
        return fillObject(this, flat, path, variant, required);
      default:
        return { value: fillText(flat, variant, this.effort), evidence: 0 };
    }
  }

  #member(flat: Schema, variant: number): Filled | undefined {
    const members = schemasIn(flat.enum).filter((member) => this.isValid(member, flat));
    return members.length === 0 ? undefined : { value: members[variant % members.length], evidence: 0 };
  }

  /** The branch with most of its parts in the context; of equals `null` if it may be, else each in turn for the variants. */
  #branch(
    flat: Schema,
    branches: readonly unknown[],
    path: readonly string[],
    variant: number,
    required: boolean,
  ): Filled | undefined {
    const { anyOf: _anyOf, oneOf: _oneOf, ...base } = flat;
    const seed = Math.floor(variant / branches.length);
    const valid = branches.flatMap((branch) => {
      const own = flatten(branch, this.root, this.effort);
      const filled = own && this.fill(merge(base, own), path, seed, required);
      return filled !== undefined && this.isValid(filled.value, flat) ? [filled] : [];
    });
    const most = Math.max(...valid.map((filled) => filled.evidence));
    const best = valid.filter((filled) => filled.evidence === most);
    const empty = variant === 0 ? best.find((filled) => filled.value === null) : undefined;
    return empty ?? best[variant % best.length];
  }
}

function membersLike(flat: Schema, text: string): unknown[] {
  const wanted = text.trim().toLowerCase();
  const plain = schemasIn(flat.enum).filter((member) => member === null || typeof member !== 'object');
  return plain.filter((member) => String(member).toLowerCase() === wanted);
}

const BY_KEYWORD: Record<string, readonly string[]> = {
  object: ['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties', 'propertyNames'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
};

/** The types that a schema allows; where it names none, what its keywords speak of, and text if they do not tell. */
function typesOf(flat: Schema): readonly string[] {
  if (flat.type !== undefined) return [flat.type].flat().filter((type) => typeof type === 'string');
  if (Array.isArray(flat.enum)) return [...new Set(flat.enum.map(typeOf))];
  if (flat.anyOf !== undefined || flat.oneOf !== undefined) return branchTypes(flat);
  const told = Object.entries(BY_KEYWORD).find(([, keywords]) => keywords.some((keyword) => keyword in flat));
  return [told?.[0] ?? 'string'];
}

function branchTypes(flat: Schema): readonly string[] {
  const branches = [...schemasIn(flat.anyOf), ...schemasIn(flat.oneOf)].filter(isObject);
  return [...new Set(branches.flatMap((branch) => (branch.$ref === undefined ? typesOf(branch) : ['object'])))];
}
