import { contentText, type InputMessage } from '../../contract/messages.ts';
import { messageTokens } from '../../emulator/engines/tokens/prompt.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { type Content, type Message, openCalls, type State } from './state.ts';
import { LIMITS } from './world.ts';

/** A message that the emulator has not named yet. */
export type Unnamed = Omit<Message, 'id'>;

/** The code with which messages are refused behind a window; undefined where their order is sound. */
export function orderFault(content: Content, items: readonly InputMessage[]): string | undefined {
  const open = new Set(openCalls(content.messages));
  for (const item of items) {
    if (item.role === 'tool') {
      if (!open.delete(item.tool_call_id)) return 'tool_result_orphan';
      continue;
    }
    if (open.size > 0) return 'tool_call_unanswered';
    const calls = item.role === 'assistant' ? (item.tool_calls ?? []) : [];
    for (const { id } of calls) {
      if (open.has(id)) return 'invalid_request';
      open.add(id);
    }
  }
  return undefined;
}

/** The code with which one append is refused, checked in the contract's order; undefined where it is taken. */
export function appendFault(
  content: Content,
  items: readonly InputMessage[],
  written: readonly Unnamed[],
  total: number,
) {
  const tokens = written.reduce((sum, message) => sum + message.tokens, 0);
  if (items.some(saysNothing)) return 'invalid_request';
  const fault = orderFault(content, items);
  if (fault !== undefined) return fault;
  if (tokens > LIMITS.append_tokens) return 'append_too_large';
  return total + tokens > LIMITS.window_tokens ? 'context_window_exceeded' : undefined;
}

function saysNothing(item: InputMessage): boolean {
  if (item.role === 'assistant' && (item.tool_calls || item.partial)) return false;
  return contentText(item.content) === '';
}

/** The messages of a write as they stand in the window: counted, grouped, and pinned where they lead it. */
export function written(
  tokenizer: Tokenizer,
  state: State,
  content: Content,
  items: readonly InputMessage[],
): Unnamed[] {
  const window: Unnamed[] = [...content.messages];
  for (const item of items) {
    const { role, name } = item;
    const body = {
      role,
      content: item.content ?? null,
      ...(name !== undefined && { name }),
      ...(item.role === 'assistant' &&
        item.tool_calls && {
          tool_calls: item.tool_calls.map((call) => ({
            ...call,
            function: { ...call.function, arguments: call.function.arguments ?? '' },
          })),
        }),
      ...(item.role === 'tool' && { tool_call_id: item.tool_call_id }),
    };
    const leads = role === 'system' && window.every((before) => before.pinned && before.body.role === 'system');
    const joins = role === 'tool' ? window.at(-1)?.group : undefined;
    state.groups += 1;
    window.push({
      body,
      tokens: messageTokens(tokenizer, body),
      pinned: item.pinned ?? leads,
      truncated: false,
      summary: false,
      group: joins ?? state.groups,
    });
  }
  return window.slice(content.messages.length);
}

/** The messages with the ids that the emulator gave them. */
export function named(messages: readonly Unnamed[], ids: readonly string[]): Message[] {
  if (ids.length !== messages.length) throw new Error(`${messages.length} messages, but ${ids.length} ids`);
  return messages.map((message, index) => ({ ...message, id: ids[index] ?? '' }));
}
