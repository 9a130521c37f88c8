import { z } from 'zod';
import { ChatCompletion } from '../../../contract/chat.ts';
import type { SessionState } from '../../../contract/sessions.ts';
import type { Cost } from '../../core/budget.ts';
import type { CaseContext } from '../../core/case.ts';
import { expectBody } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import type { SendOptions } from '../../wire/api.ts';
import { parseEvents, type Reply } from '../../wire/reply.ts';
import type { Message } from '../../wire/sessions.ts';

/** What a turn may say where a case does not need more. */
const ANSWER_TOKENS = 16;

/** Short messages in a window that holds little else. */
const PROMPT_TOKENS = 256;

/** The most that so many turns cost in short windows. */
export function turns(count: number, more: Partial<Cost> = {}): () => Partial<Cost> {
  return () => ({ promptTokens: count * PROMPT_TOKENS, completionTokens: count * ANSWER_TOKENS, ...more });
}

/** A turn, whatever becomes of it. */
export function sendTurn(
  { api, target }: CaseContext<string>,
  session: string,
  messages: readonly object[],
  more: object = {},
  send?: SendOptions,
): Promise<Reply> {
  const body = { model: target.model, session_id: session, messages, max_tokens: ANSWER_TOKENS, ...more };
  return api.post('/chat/completions', body, send);
}

/** A turn that was answered. */
interface Turn {
  content: string;
  calls: NonNullable<ChatCompletion['choices'][number]['message']['tool_calls']>;
  finish: string;
  usage: ChatCompletion['usage'];
  session: SessionState;
}

/** @throws Mismatch, Inconclusive where a turn was not answered as one */
export function ended(reply: Reply): Turn {
  const { choices, usage, session } = expectBody(reply, ChatCompletion);
  const [choice] = choices;
  if (!choice) throw new Mismatch(`${reply.what}: an answer without a choice`);
  if (!session) throw new Mismatch(`${reply.what}: an answer that does not name its session`);
  const { content, tool_calls = [] } = choice.message;
  return { content, calls: tool_calls, finish: choice.finish_reason, usage, session };
}

export async function turn(
  context: CaseContext<string>,
  session: string,
  messages: readonly object[],
  more: object = {},
): Promise<Turn> {
  return ended(await sendTurn(context, session, messages, more));
}

/** An order that a real model obeys, and one that only looks things up. */
export function ordering(text: string): Message {
  return { role: 'user', content: `Reply with exactly: ${text}` };
}

/** Words enough for an answer of many pieces. */
export const LONG_ANSWER = 'responsibility internationalization communication infrastructure '.repeat(20).trim();

/** A chunk, as far as it matters here. */
const Chunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string().nullish() }).optional(),
      finish_reason: z.string().nullish(),
      usage: z.unknown().optional(),
    }),
  ),
  session: z.unknown().optional(),
});

type Chunk = z.infer<typeof Chunk>;

/** The chunks of a stream that has come so far. */
export function chunksIn(text: string): Chunk[] {
  return parseEvents(text).flatMap(({ data }) => {
    try {
      return Chunk.safeParse(JSON.parse(data)).data ?? [];
    } catch {
      return [];
    }
  });
}

/** What a stream has said so far. */
export function spokenIn(text: string): string {
  return chunksIn(text)
    .map(({ choices }) => choices[0]?.delta?.content ?? '')
    .join('');
}
