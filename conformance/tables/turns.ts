import type { Capability } from '../../contract/capabilities.ts';
import { ChatCompletion, ChatCompletionChunk, type CompletionUsage } from '../../contract/chat.ts';
import type { SessionState } from '../../contract/sessions.ts';
import type { CaseContext } from '../core/case.ts';
import { expectBody, expectEqual, expectShape, expectSuccess } from '../core/expect.ts';
import { Mismatch } from '../core/verdict.ts';
import type { SendOptions } from '../wire/api.ts';
import type { Reply } from '../wire/reply.ts';

/** Every way in which a turn is answered. */
export interface TurnMode {
  readonly name: string;
  readonly needs: readonly Capability[];
  readonly fields: object;
  read(reply: Reply): Turn;
}

interface TurnCall {
  id: string;
  type: string;
  function: { name: string; arguments: string };
}

/** A turn that was answered, whichever way. */
export interface Turn {
  content: string;
  reasoning: string;
  calls: TurnCall[];
  finish: string;
  usage: CompletionUsage;
  session: SessionState;
}

/** What a turn may say where a case does not need more. */
const ANSWER_TOKENS = 16;

/** A turn that is not streamed. @throws Mismatch, Inconclusive where it was not answered as one */
export function ended(reply: Reply): Turn {
  const { choices, usage, session } = expectBody(reply, ChatCompletion);
  const [choice] = choices;
  if (!choice) throw new Mismatch(`${reply.what}: an answer without a choice`);
  if (!session) throw new Mismatch(`${reply.what}: an answer that does not name its session`);
  const { content, reasoning_content: reasoning = '', tool_calls = [] } = choice.message;
  const calls = tool_calls.map(({ id, type, function: called }) => ({ id, type, function: called }));
  return { content, reasoning, calls, finish: choice.finish_reason, usage, session };
}

function streamed(reply: Reply): Turn {
  const { events, what } = expectSuccess(reply);
  expectEqual(events.at(-1), '[DONE]', `${what}: the last event`);
  const chunks = events.slice(0, -1).map((data) => expectShape(ChatCompletionChunk, parsed(data), `${what}: an event`));
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const last = choices.find(({ finish_reason }) => finish_reason != null);
  const session = chunks.find((chunk) => chunk.session)?.session;
  if (!last?.finish_reason || !last.usage)
    throw new Mismatch(`${what}: a stream without a finish chunk that has a usage`);
  if (!session) throw new Mismatch(`${what}: a stream that does not name its session`);
  const calls: TurnCall[] = [];
  for (const piece of choices.flatMap(({ delta }) => delta.tool_calls ?? [])) {
    const { index, id, type = 'function', function: called } = piece;
    const known = calls[index];
    if (known) known.function.arguments += called?.arguments ?? '';
    else
      calls[index] = { id: id ?? '', type, function: { name: called?.name ?? '', arguments: called?.arguments ?? '' } };
  }
  const content = choices.map(({ delta }) => delta.content ?? '').join('');
  const reasoning = choices.map(({ delta }) => delta.reasoning_content ?? '').join('');
  return { content, reasoning, calls, finish: last.finish_reason, usage: last.usage, session };
}

/** The usage comes once more, in a chunk without choices. */
function streamedWithUsage(reply: Reply): Turn {
  const turn = streamed(reply);
  const last = expectShape(ChatCompletionChunk, parsed(reply.events.at(-2) ?? ''), `${reply.what}: the last chunk`);
  expectEqual([last.choices, last.usage], [[], turn.usage], `${reply.what}: choices and usage of the last chunk`);
  return turn;
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

export const TURN_MODES: readonly TurnMode[] = [
  { name: 'whole', needs: [], fields: {}, read: ended },
  { name: 'streamed', needs: ['chat.stream'], fields: { stream: true }, read: streamed },
  {
    name: 'streamed-with-usage',
    needs: ['chat.stream'],
    fields: { stream: true, stream_options: { include_usage: true } },
    read: streamedWithUsage,
  },
];

/** A turn, whatever becomes of it. */
export function sendTurn(
  { api, target, texts }: CaseContext<string>,
  session_id: string,
  messages: readonly object[],
  more: object = {},
  send?: SendOptions,
): Promise<Reply> {
  const body = {
    model: target.model,
    session_id,
    messages,
    max_tokens: ANSWER_TOKENS + texts.overhead.answer,
    ...more,
  };
  return api.post('/chat/completions', body, send);
}

/** A turn that is answered whole. @throws Mismatch, Inconclusive */
export async function turn(
  context: CaseContext<string>,
  session: string,
  messages: readonly object[],
  more: object = {},
): Promise<Turn> {
  return ended(await sendTurn(context, session, messages, more));
}

/** A turn that is answered. @throws Mismatch, Inconclusive */
export async function turnAs(
  mode: TurnMode,
  context: CaseContext<string>,
  session: string,
  messages: readonly object[],
  more: object = {},
): Promise<Turn> {
  return mode.read(await sendTurn(context, session, messages, { ...more, ...mode.fields }));
}
