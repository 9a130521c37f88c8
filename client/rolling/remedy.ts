import { APIError } from 'openai';
import { isSessionError } from '../errors.ts';
import { amend, type ShrinkAction } from './decide-shrink.ts';

/** Statuses of a refusal that changed nothing and would come again. */
const REFUSED: readonly unknown[] = [400, 413, 422];

export function isRefusal(error: unknown): error is APIError {
  return error instanceof APIError && REFUSED.includes(error.status);
}

/**
 * The action that a refusal names instead of the one that was refused.
 * @param tokens of the window
 */
export function amended(action: ShrinkAction, error: unknown, tokens: number): ShrinkAction | undefined {
  if (isSessionError(error, 'compress_infeasible'))
    return amend(action, { largestRatio: largestRatio(error.message) }, tokens);
  if (isSessionError(error, 'preserve_len_too_small'))
    return amend(action, { leastPreserveLen: leastPreserveLen(error.message) }, tokens);
  return undefined;
}

// The envelope of an error has no field for what it names: the text of the contract says it, and a test holds both together.

export function largestRatio(message: string): number | undefined {
  return numberIn(message, /largest feasible ratio is (\d+(?:\.\d+)?)/);
}

export function leastPreserveLen(message: string): number | undefined {
  return numberIn(message, /preserve_len must be at least (\d+)/);
}

/** Tokens that a write was counted with, where it was refused for them. */
export function countedTokens(message: string): number | undefined {
  return numberIn(message, /\(append_tokens\), this one counts (\d+)/);
}

function numberIn(message: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(message)?.[1];
  return found === undefined ? undefined : Number(found);
}
