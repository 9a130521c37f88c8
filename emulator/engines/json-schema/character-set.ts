/** A set of characters: code point ranges, perhaps turned around. */
export interface CharacterSet {
  ranges: readonly (readonly [number, number])[];
  /** Tell whether one character has a property of Unicode. */
  properties?: readonly RegExp[];
  negated: boolean;
}

const DIGITS: CharacterSet['ranges'] = [[0x30, 0x39]];
const LETTERS: CharacterSet['ranges'] = [
  [0x61, 0x7a],
  [0x41, 0x5a],
  [0x30, 0x39],
  [0x5f, 0x5f],
];
const SPACES: CharacterSet['ranges'] = [
  [0x20, 0x20],
  [0x09, 0x0d],
  [0xa0, 0xa0],
];

/** The set of a class escape (`\\d`, `\\W` …), or undefined for another letter. */
export function classSet(letter: string): CharacterSet | undefined {
  const ranges = { d: DIGITS, w: LETTERS, s: SPACES }[letter.toLowerCase()];
  return ranges && { ranges, negated: letter !== letter.toLowerCase() };
}

export function contains(set: CharacterSet, code: number): boolean {
  const within =
    set.ranges.some(([low, high]) => code >= low && code <= high) ||
    (set.properties?.some((property) => property.test(String.fromCodePoint(code))) ?? false);
  return within !== set.negated;
}

export function only(character: string): CharacterSet {
  const code = character.codePointAt(0) ?? 0;
  return { ranges: [[code, code]], negated: false };
}

/** The ranges that some leave out. */
export function complement(ranges: CharacterSet['ranges']): CharacterSet['ranges'] {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const found: (readonly [number, number])[] = [];
  let from = 0;
  for (const [low, high] of sorted) {
    if (low > from) found.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  return [...found, [from, 0x10ffff]];
}

/** The set of `\\p{NAME}`, or of `\\P{NAME}`; undefined where there is no such property. */
export function propertySet(letter: 'p' | 'P', name: string): CharacterSet | undefined {
  try {
    return { ranges: [], properties: [new RegExp(`^\\${letter}{${name}}$`, 'u')], negated: false };
  } catch {
    return undefined;
  }
}
