import type { Hint, Hints } from '../json-schema/hints.ts';
import { isObject, lookUp } from '../json-schema/resolve.ts';
import { type FactInPlace, factAt, separatorAt } from '../text/facts.ts';
import type { Document } from './documents.ts';
import { KeyMatcher } from './key-matcher.ts';
import { Lexicon } from './lexicon.ts';
import type { Pace } from './pace.ts';
import { visitBlocks } from './search.ts';
import { withoutLabel } from './summary-label.ts';

/** Values kept for one name: an older one serves where the newest does not fit the schema. */
const VALUES = 6;
const MAX_NAMES = 500;
const MAX_DEPTH = 24;

/** Read where they are referred to. */
const DEFINITIONS = new Set(['$defs', 'definitions']);

/** The names of a schema's properties, alone and after the name of what holds them (`user name`). */
export function namesIn(schema: unknown): string[] {
  const names = new Set<string>();
  const followed = new Set<string>();
  const visit = (node: unknown, parent: string, depth: number): void => {
    if (depth > MAX_DEPTH || names.size > MAX_NAMES) return;
    if (Array.isArray(node)) for (const member of node) visit(member, parent, depth + 1);
    if (!isObject(node)) return;
    const { $ref, properties, ...others } = node;
    const reference = `${parent} ${typeof $ref === 'string' ? $ref : ''}`;
    if ($ref !== undefined && !followed.has(reference)) {
      followed.add(reference);
      visit(lookUp(schema, $ref), parent, depth + 1);
    }
    for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
      names.add(name);
      if (parent !== '') names.add(`${parent} ${name}`);
      visit(property, name, depth + 1);
    }
    for (const [keyword, other] of Object.entries(others))
      if (!DEFINITIONS.has(keyword)) visit(other, parent, depth + 1);
  };
  visit(schema, '', 0);
  return [...names].slice(0, MAX_NAMES);
}

/** The values that stand in the documents under some names, by name, newest first. */
export async function valuesOf(
  names: readonly string[],
  documents: Iterable<Document>,
  pace: Pace,
): Promise<Map<string, Hint[]>> {
  const found = new Map<string, Hint[]>(names.map((name) => [name, []]));
  const matcher = KeyMatcher.forNames(names);
  const lexicon = new Lexicon();
  matcher.addTo(lexicon);
  let missing = names.length;
  const keep = (fact: FactInPlace, id: number): void => {
    const values = found.get(names[id] ?? '');
    if (values === undefined || values.length >= VALUES || values.some((value) => value.text === fact.value)) return;
    if (values.push({ text: fact.value, quoted: fact.valueQuoted }) === VALUES) missing -= 1;
  };
  await visitBlocks(documents, lexicon, pace, (document, { separators }) => {
    if (!document.facts) return false;
    for (const at of separators.toReversed()) {
      const separator = separatorAt(document.text, at);
      let id = -1;
      const fact =
        separator &&
        factAt(document.text, separator, (key) => {
          const match = matcher.match(document.summary ? withoutLabel(key.text) : key.text, key.quoted);
          id = match?.unmatched === 0 ? match.id : -1;
          return id >= 0;
        });
      if (fact !== undefined) keep(fact, id);
    }
    return missing === 0;
  });
  return found;
}

/** Hints of the context for a schema: a value under the property's full name comes before one under its last. */
export function hintsFrom(values: ReadonlyMap<string, readonly Hint[]>, request: Partial<Hints> = {}): Hints {
  return {
    valuesFor(path) {
      const [parent, name] = path.slice(-2).length === 2 ? path.slice(-2) : [undefined, path.at(-1)];
      if (name === undefined) return request.valuesFor?.(path) ?? [];
      const owner = parent === undefined ? [] : (values.get(`${parent} ${name}`) ?? []);
      return [...owner, ...(values.get(name) ?? []), ...(request.valuesFor?.(path) ?? [])];
    },
    mentions: request.mentions ?? (() => false),
    takeLoose: request.takeLoose ?? (() => undefined),
  };
}
