import type { ErrorCode } from '../../../contract/errors.ts';
import type { Role } from '../../../contract/messages.ts';
import type { ModelRequest } from '../model.ts';

/** Text that is to be found; or an expression, which may also be written as text: `/…/flags`. */
export type TextMatch = string | RegExp | { regex: string; flags?: string | undefined };

/** What a request has to be like. All that is named has to hold; texts of messages hold a text, names are one. */
export interface When {
  /** The text of the last message. */
  text?: TextMatch;
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

export interface ScriptRule {
  /** For error texts and the list of unused rules. */
  name?: string;
  /** Without it the rule is for every request. */
  when?: When | ((request: ModelRequest) => boolean);
  reply?: ScriptedReply;
  /** Instead of `reply`: one after the other, and the last one again and again. */
  replies?: readonly ScriptedReply[];
  /** How often the rule may answer; without it, without end. */
  times?: number;
}
