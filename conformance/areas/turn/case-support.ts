import { z } from 'zod';
import type { Cost } from '../../core/budget.ts';
import { parseEvents } from '../../wire/reply.ts';
import type { Message } from '../../wire/sessions.ts';

/** What a turn may say where a case does not need more. */
const ANSWER_TOKENS = 16;

/** Short messages in a window that holds little else. */
const PROMPT_TOKENS = 256;

/** The most that so many turns cost in short windows. */
export function turns(count: number, more: Partial<Cost> = {}): () => Partial<Cost> {
  return () => ({
    promptTokens: count * PROMPT_TOKENS,
    completionTokens: count * ANSWER_TOKENS,
    answers: count,
    ...more,
  });
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
