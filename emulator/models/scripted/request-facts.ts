import { type ChatMessage, contentText } from '../../../contract/messages.ts';
import type { ModelRequest } from '../model.ts';

/** What rules ask of a request. */
export interface RequestFacts {
  request: ModelRequest;
  /** Of the last message. */
  text: string;
  role: string;
  session: string | undefined;
  turn: number;
  model: string;
  /** The tool results at the end of the prompt. */
  toolResults: { name: string; content: string }[];
}

/** @param answered answers that the session was given in full */
export function factsOf(request: ModelRequest, answered: number): RequestFacts {
  const { messages, session, model } = request;
  const last = messages.at(-1);
  return {
    request,
    text: contentText(last?.content),
    role: last?.role ?? 'none',
    session: session?.id,
    turn: session ? answered + 1 : messages.filter(({ role }) => role === 'user').length,
    model,
    toolResults: toolResults(messages),
  };
}

function toolResults(messages: readonly ChatMessage[]): RequestFacts['toolResults'] {
  const end = messages.findLastIndex(({ role }) => role !== 'tool');
  const calls = messages[end]?.tool_calls ?? [];
  return messages.slice(end + 1).map(({ name, content, tool_call_id }) => {
    const called = calls.find(({ id }) => id === tool_call_id)?.function.name;
    return { name: called ?? name ?? '', content: contentText(content) };
  });
}
