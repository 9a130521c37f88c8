import type { TextMatch } from './rule.ts';

/** Looks for something in a text. */
export interface TextMatcher {
  matches(text: string): boolean;
  /** What it looks for, in words that follow "is" or "holds". */
  wanted: string;
}

/** `/…/flags`, as expressions are written in JavaScript. */
const WRITTEN = /^\/(.+)\/([dgimsuvy]*)$/s;

/** @param whole whether a plain text has to be all of the text, or only in it */
export function textMatcher(match: TextMatch, whole: boolean): TextMatcher {
  const expression = expressionOf(match);
  // search() begins at the beginning each time, whatever the flags; test() would not.
  if (expression) return { matches: (text) => text.search(expression) >= 0, wanted: String(expression) };
  const plain = String(match);
  return { matches: (text) => (whole ? text === plain : text.includes(plain)), wanted: JSON.stringify(plain) };
}

/** Why an expression is none, if it is none. */
export function faultOfExpression(match: TextMatch): string | undefined {
  try {
    expressionOf(match);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @throws SyntaxError */
function expressionOf(match: TextMatch): RegExp | undefined {
  if (match instanceof RegExp) return match;
  if (typeof match !== 'string') return new RegExp(match.regex, match.flags);
  const [, source, flags] = WRITTEN.exec(match) ?? [];
  return source === undefined ? undefined : new RegExp(source, flags);
}
