import { ApiError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { bodyOf, changed, extend, requireWriteFits } from './append.ts';
import { sameTools } from './create.ts';
import { toUsage } from './objects.ts';
import { pairOrRefuse, type Write, type WriteItem } from './write.ts';

/** What a chat turn adds to a session: the new messages and, replacing the session's where given, tools. */
export interface TurnInput {
  write: Write;
  tools: Toolset | undefined;
  /** Tokens of the prompt beyond tools, window and write: the generation prompt, or less where an answer is begun. */
  extraTokens: number;
  maxTokens: number;
}

/**
 * Checks a turn against the session. Changes nothing.
 * @returns the tokens of its prompt
 * @throws ApiError for tool pairing, then `append_too_large`, then `context_window_exceeded`
 */
export function openTurn(services: Services, session: SessionRow, input: TurnInput): number {
  const { store, limits } = services;
  const { write, tools, extraTokens, maxTokens } = input;
  const { open } = pairOrRefuse(store.history.tail(session.view).calls.map(bodyOf), write.items);
  if (open.length > 0) throw new ApiError('tool_call_unanswered', { ids: open, param: 'messages' });
  requireWriteFits(services, write);
  const used = toUsage(services, session);
  const toolsTokens = tools ? tools.tokens : used.tools_tokens;
  const promptTokens = toolsTokens + session.view.tokens + write.tokens + extraTokens;
  const requested = promptTokens + maxTokens + 1;
  if (requested > limits.window_tokens) {
    throw new ApiError('context_window_exceeded', {
      limit: limits.window_tokens,
      requested,
      used: used.total_tokens,
      adding: promptTokens - used.total_tokens,
      answer: maxTokens + 1,
    });
  }
  return promptTokens;
}

/** Commits a turn: new messages, tools and reply together, in the caller's transaction. */
export function commitTurn(
  services: Services,
  session: SessionRow,
  items: readonly WriteItem[],
  tools: Toolset | undefined,
  callsIssued: number,
): SessionRow {
  const { store } = services;
  const replacing = tools && !sameTools(services, session, tools);
  if (items.length === 0 && !replacing) return session;
  const tail = store.history.tail(session.view);
  const pairing = pairOrRefuse(tail.calls.map(bodyOf), items);
  const { view } = extend(services, session.view, tail, items, pairing);
  const toolset = replacing ? store.toolsets.insert(tools) : session.toolset;
  return changed(services, session, { view, toolset, calls: session.calls + callsIssued });
}
