import type { InputMessage, ToolCall } from '../../contract/messages.ts';
import { RollingSessionError } from '../errors.ts';
import type { KimiClient } from '../kimi-client.ts';

/** What a tool call returned; a message of role `tool` is one. */
export interface ToolResult {
  tool_call_id: string;
  content: string;
}

/** What becomes of calls that wait for results where a text comes instead: each gets an error as its result. */
export type AbandonOpenCalls = 'error result';

/** What a model reads as the result of a call that was abandoned. */
const ABANDONED = JSON.stringify({ error: 'This call was abandoned before it returned a result.' });

/** How far back a call and its results can lie: a request has 128 calls at most, and as many results. */
const FAR_BACK = 300;
const PAGE = 100;

/** Calls that still wait for a result once these messages are written. */
export function callsAfter(calls: readonly ToolCall[], messages: readonly InputMessage[]): ToolCall[] {
  let open = [...calls];
  for (const message of messages) {
    if (message.role === 'tool') open = open.filter(({ id }) => id !== message.tool_call_id);
    else open = message.role === 'assistant' ? (message.tool_calls ?? []).map(withArguments) : [];
  }
  return open;
}

/**
 * What is to be sent where calls wait for results: the messages as they are, or behind error results for those that have none.
 * @throws RollingSessionError `open_calls` where a call would be left without a result
 */
export function withResults(
  calls: readonly ToolCall[],
  messages: readonly InputMessage[],
  abandon: AbandonOpenCalls | undefined,
): readonly InputMessage[] {
  const first = messages.findIndex(({ role }) => role !== 'tool');
  const results = first === -1 ? messages : messages.slice(0, first);
  const missing = callsAfter(calls, results);
  if (missing.length === 0) return messages;
  if (abandon === undefined) throw new RollingSessionError('open_calls', { detail: named(missing) });
  const errors = missing.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: ABANDONED }));
  return [...results, ...errors, ...messages.slice(results.length)];
}

/** @throws RollingSessionError `no_open_calls` where a result is for no call that waits for one */
export function requireOpen(calls: readonly ToolCall[], messages: readonly InputMessage[]): void {
  const stray = messages.flatMap((message) => (message.role === 'tool' ? [message.tool_call_id] : []));
  const unknown = stray.filter((id) => !calls.some((call) => call.id === id));
  if (unknown.length === 0 && calls.length > 0) return;
  throw new RollingSessionError('no_open_calls', { detail: unknown.join(', ') });
}

/** The calls at the end of a session that wait for results, read from the server. */
export async function readOpenCalls(client: KimiClient, session: string, signal?: AbortSignal): Promise<ToolCall[]> {
  const answered = new Set<string>();
  let seen = 0;
  for await (const message of client.sessions.messages(session, { order: 'desc', limit: PAGE }, { signal })) {
    if (message.role !== 'tool') return (message.tool_calls ?? []).filter(({ id }) => !answered.has(id));
    answered.add(message.tool_call_id ?? '');
    seen += 1;
    if (seen === FAR_BACK) break;
  }
  return [];
}

function named(calls: readonly ToolCall[]): string {
  return calls.map(({ id, function: { name } }) => `${name} (${id})`).join(', ');
}

type ReplayedCall = NonNullable<Extract<InputMessage, { role: 'assistant' }>['tool_calls']>[number];

function withArguments(call: ReplayedCall): ToolCall {
  return { ...call, function: { ...call.function, arguments: call.function.arguments ?? '' } };
}
