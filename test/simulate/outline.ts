import type { Transcript } from '../../emulator/simulate/index.ts';

/** Roles and texts, calls and what results answer: all that a replay uses. */
export function outline({ messages }: Transcript): string[] {
  return messages.map(({ role, content, tool_calls, tool_call_id, reasoning_content }) =>
    [
      role,
      ...(reasoning_content ? [`(${reasoning_content})`] : []),
      String(content),
      ...(tool_calls ?? []).map(({ id, function: call }) => `${id}=${call.name}${call.arguments}`),
      ...(tool_call_id === undefined ? [] : [`<${tool_call_id}`]),
    ].join(' '),
  );
}
