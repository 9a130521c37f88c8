import type { ErrorCode } from '../../../contract/errors.ts';
import type { Role } from '../../../contract/messages.ts';
import { compilePattern, type Pattern } from '../../engines/patterns/pattern.ts';
import type { ModelRequest } from '../model.ts';

/** Text that is to be found; or an expression, which may also be written as text: `/…/flags`. */
export type TextMatch = string | RegExp | { regex: string; flags?: string | undefined };

/** What a request has to be like. All that is named has to hold; texts of messages hold a text, names are one. */
export interface When {
  /**
   * The text of the last message, without what agents add to it: `<system-reminder>` and the like, in it or in messages of
   * their own after it.
   */
  text?: TextMatch;
  /** Looks for `text` in so many of the user's newest messages, wherever the prompt ends, instead of in the last message. */
  anyOf?: number;
  /** The role of the last message. */
  role?: Role;
  /** The id of the session. */
  session?: TextMatch;
  /**
   * The number of the turn, from 1: in a session, one more than the answers that it was given in full since the script began;
   * without a session, the number of user messages.
   */
  turn?: number;
  /** A tool result at the end of the prompt: the function that was called, and what it returned. */
  tool?: { name?: TextMatch; content?: TextMatch };
  /** The model's name as the request gives it. */
  model?: TextMatch;
}

export interface ScriptedCall {
  name: string;
  /** An object, or JSON text as it stands. */
  arguments?: string | Record<string, unknown>;
}

/**
 * Text; tool calls, with text before them or without; a value as JSON; or a row of the error table, before anything is sent.
 * `reasoning` comes first, where the request thinks.
 */
export type ScriptedReply =
  | string
  | { text: string; reasoning?: string }
  | { tool_calls: readonly ScriptedCall[]; text?: string; reasoning?: string }
  | { json: unknown; reasoning?: string }
  | { error: ErrorCode };

/**
 * What to reply, decided when the rule answers. `groups` are what the rule's expression found: the whole match, then each group.
 */
export type ReplyFunction = (
  request: ModelRequest,
  groups: readonly (string | undefined)[],
) => ScriptedReply | Promise<ScriptedReply>;

export interface ScriptRule {
  /** For error texts and the list of unused rules. */
  name?: string;
  /** Without it the rule is for every request. */
  when?: When | ((request: ModelRequest) => boolean);
  /** `$1` in its texts is the first group of the rule's expression, `$<name>` a named one, `$&` the match, and `$$` a dollar. */
  reply?: ScriptedReply | ReplyFunction;
  /** Instead of `reply`: one after the other, and the last one again and again. */
  replies?: readonly (ScriptedReply | ReplyFunction)[];
  /** How often the rule may answer; without it, without end. */
  times?: number;
}

/** Looks for something in a text. */
export interface TextMatcher {
  matches(text: string): boolean;
  /** The expression, where it is one. */
  pattern: Pattern | undefined;
  /** What it looks for, in words that follow "is" or "holds". */
  wanted: string;
}

/** `/…/flags`, as expressions are written in JavaScript. */
const WRITTEN = /^\/(.+)\/([dgimsuvy]*)$/s;

/** @param whole whether a plain text has to be all of the text, or only in it */
export function textMatcher(match: TextMatch, whole: boolean): TextMatcher {
  const expression = expressionOf(match);
  if (expression) {
    const { pattern, written } = expression;
    return { matches: (text) => pattern.test(text), pattern, wanted: written };
  }
  const plain = String(match);
  const matches = (text: string): boolean => (whole ? text === plain : text.includes(plain));
  return { matches, pattern: undefined, wanted: JSON.stringify(plain) };
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

/** An expression as it is run, and as it was written. */
export interface Expression {
  pattern: Pattern;
  written: string;
}

type Matches = { [Name in 'text' | 'session' | 'model']?: TextMatch | undefined } & {
  tool?: { name?: TextMatch | undefined; content?: TextMatch | undefined } | undefined;
};

/** The expression whose groups a reply may name: the first that `when` has; undefined where it has none. */
export function capturingExpression({ text, tool, session, model }: Matches): Expression | undefined {
  for (const match of [text, tool?.content, tool?.name, session, model]) {
    const expression = match === undefined ? undefined : expressionOf(match);
    if (expression) return expression;
  }
  return undefined;
}

/** @throws SyntaxError for what is not an expression of JavaScript; PatternError for one that RE2 cannot run */
function expressionOf(match: TextMatch): Expression | undefined {
  const expression = regExpOf(match);
  return expression && { pattern: compilePattern(expression.source, expression.flags), written: String(expression) };
}

function regExpOf(match: TextMatch): RegExp | undefined {
  if (match instanceof RegExp) return match;
  if (typeof match !== 'string') return new RegExp(match.regex, match.flags);
  const [, source, flags] = WRITTEN.exec(match) ?? [];
  return source === undefined ? undefined : new RegExp(source, flags);
}
