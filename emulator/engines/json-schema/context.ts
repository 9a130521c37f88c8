/** A value of the context under a name. */
export interface ContextValue {
  text: string;
  /** It stood in quotes: text, even where it looks like a number. */
  quoted: boolean;
}

/** What the context offers to fill a schema with. */
export interface SchemaContext {
  /** Values that the request itself gives for the property at a path (names from the root on), best first. */
  stated(path: readonly string[]): readonly ContextValue[];
  /** Whether the request speaks of a member of an enumeration. */
  mentions(member: string): boolean;
  /** Values for the property at a path from anywhere else, best first. `enumerated`: it is one of an enumeration. */
  valuesFor(path: readonly string[], enumerated: boolean): readonly ContextValue[];
  /**
   * Offers the values of the request that have no name, for a required property that nothing else fills. The first that `fits`
   * is used up.
   */
  useUnnamed(fits: (value: ContextValue) => boolean): void;
}

/** Longest list that is read from prose. */
const MAX_ITEMS = 100;

/** The JSON values that a value of the context may mean under one of the types, likeliest first. */
export function* readings(value: ContextValue, types: readonly string[]): Generator<unknown> {
  const text = value.text.trim();
  const wantsText = types.includes('string');
  if (value.quoted && wantsText) yield value.text;
  if (types.includes('integer') || types.includes('number')) {
    // Where text is allowed too, only a plain number is one: `06:00` and `007` stay texts.
    const number = wantsText && !PLAIN_NUMBER.test(text) ? undefined : readNumber(text);
    if (number !== undefined) yield number;
  }
  if (types.includes('boolean')) {
    if (/^(?:true|yes|on|enabled|是|对|开)$/i.test(text)) yield true;
    if (/^(?:false|no|off|disabled|否|不|关)$/i.test(text)) yield false;
  }
  if (types.includes('null') && /^(?:null|none|nil)$/i.test(text)) yield null;
  const wantsObject = types.includes('object') && text.startsWith('{');
  const wantsList = types.includes('array') && text.startsWith('[');
  if (wantsObject || wantsList) {
    const parsed = parse(text);
    if (parsed !== undefined) yield parsed;
  } else if (types.includes('array') && !wantsText) yield* readList(text);
  if (wantsText && !value.quoted) yield value.text;
}

const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

function readNumber(text: string): number | undefined {
  const digits = /^[^\w\s-]?\s?([-+]?(?:\d[\d,_]*)(?:\.\d+)?(?:e[-+]?\d{1,3})?)(?![\w.:/-])/i.exec(
    text.slice(0, 64),
  )?.[1];
  if (digits === undefined) return undefined;
  const number = Number(digits.replace(/[,_]/g, ''));
  // A long id would lose its last digits.
  return Number.isFinite(number) && !(Number.isInteger(number) && !Number.isSafeInteger(number)) ? number : undefined;
}

function parse(text: string): unknown {
  for (const json of [text, text.replaceAll('\\"', '"')]) {
    try {
      return JSON.parse(json);
    } catch {
      // Escaped JSON is tried next; anything else is not JSON.
    }
  }
  return undefined;
}

/** `a, b and c`: once as texts, once as numbers. */
function* readList(text: string): Generator<unknown[]> {
  const parts = text.split(/\s*(?:[,，、;；]|\band\b|和)\s*/).filter((part) => part !== '');
  const items = parts.map((part) => part.replace(/^["'“‘`]|["'”’`]$/g, '')).slice(0, MAX_ITEMS);
  yield items;
  const numbers = items.map(readNumber);
  if (!numbers.includes(undefined)) yield numbers;
}
