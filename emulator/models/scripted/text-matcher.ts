import { compilePattern, type Pattern } from '../../engines/patterns/pattern.ts';
import type { TextMatch } from './rule.ts';

/** Looks for something in a text. */
interface TextMatcher {
  matches(text: string): boolean;
  /** What it looks for, in words that follow "is" or "holds". */
  wanted: string;
}

/** `/…/flags`, as expressions are written in JavaScript. */
const WRITTEN = /^\/(.+)\/([dgimsuvy]*)$/s;

/** @param whole whether a plain text has to be all of the text, or only in it */
export function textMatcher(match: TextMatch, whole: boolean): TextMatcher {
  const expression = expressionOf(match);
  if (expression) return { matches: (text) => expression.pattern.test(text), wanted: expression.written };
  const plain = String(match);
  return { matches: (text) => (whole ? text === plain : text.includes(plain)), wanted: JSON.stringify(plain) };
}

/** Why an expression cannot be run; undefined where it can. */
export function faultOfExpression(match: TextMatch): string | undefined {
  try {
    expressionOf(match);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @throws SyntaxError for what is not an expression of JavaScript; PatternError for one that RE2 cannot run */
function expressionOf(match: TextMatch): { pattern: Pattern; written: string } | undefined {
  const expression = regExpOf(match);
  return expression && { pattern: compilePattern(expression.source, expression.flags), written: String(expression) };
}

function regExpOf(match: TextMatch): RegExp | undefined {
  if (match instanceof RegExp) return match;
  if (typeof match !== 'string') return new RegExp(match.regex, match.flags);
  const [, source, flags] = WRITTEN.exec(match) ?? [];
  return source === undefined ? undefined : new RegExp(source, flags);
}
