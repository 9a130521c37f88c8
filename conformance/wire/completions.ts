import { z } from 'zod';
import { CompletionUsage } from '../../contract/chat.ts';
import type { Cost } from '../core/case.ts';
import { answered, holds, refused, shaped, succeeded } from '../core/expect.ts';
import type { Trial } from '../core/trial.ts';
import { Mismatch } from '../core/verdict.ts';
import { user } from './dialect.ts';
import type { Reply } from './reply.ts';

/** Chats as they came, read loosely: what a check does not judge may be missing or wrong. */

const CHAT = '/chat/completions';
const MAX_TOKENS = 64;
const PROMPT_TOKENS = 160;
/** One hit in so many tries is enough: a model may not do as it is told. */
const TRIES = 3;

const UNJUDGED = z.unknown().optional();

const Answer = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        index: UNJUDGED,
        message: z.looseObject({ content: UNJUDGED, tool_calls: UNJUDGED }),
        finish_reason: UNJUDGED,
      }),
    )
    .min(1),
  usage: UNJUDGED,
});
export type Choice = z.infer<typeof Answer>['choices'][number];

/** One answer, read as far as a check asks for it. */
export interface Completion {
  reply: Reply;
  choices: Choice[];
  /** The first choice. */
  choice: Choice;
  /** Its content; empty where it is no text. */
  text: string;
  usage: unknown;
}

/** The worst cost of so many short chats, refused ones included. */
export function chats(count: number, more: Partial<Cost> = {}): () => Cost {
  return () => ({
    requests: count,
    promptTokens: count * PROMPT_TOKENS,
    completionTokens: count * MAX_TOKENS,
    ...more,
  });
}

/** An order that a real model obeys, and one that only looks things up. */
export function orders(text: string): object[] {
  return [user(`Reply with exactly: ${text}`)];
}

/** A chat, whatever becomes of it. What `body` leaves out is a short answer of the target's model to a short order. */
export function send(trial: Trial<string>, body: object = {}): Promise<Reply> {
  const { model } = trial.target;
  return trial.api.post(CHAT, { model, messages: orders('OK'), max_tokens: MAX_TOKENS, ...body });
}

/** A chat that is answered. @throws Mismatch, Fault */
export async function complete(trial: Trial<string>, body: object = {}): Promise<Completion> {
  const reply = await send(trial, body);
  const { choices, usage } = answered(reply, Answer);
  const [choice] = choices;
  if (!choice) throw new Mismatch(`${reply.what}: an answer without a choice`);
  return { reply, choices, choice, text: textOf(choice), usage };
}

export function textOf({ message }: Choice): string {
  return typeof message.content === 'string' ? message.content : '';
}

/** A chat that is refused as any request with something wrong in it is. @returns the message @throws Mismatch */
export async function refusedChat(trial: Trial<string>, body: object): Promise<string> {
  return refused(await send(trial, body), 'invalid_request', { bare: true });
}

/** Asks up to three times for what a model may fail to do. `attempt` says what is wrong, or nothing. @throws Mismatch */
export async function within3(attempt: () => Promise<string | undefined>): Promise<void> {
  let wrong: string | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    wrong = await attempt();
    if (wrong === undefined) return;
  }
  throw new Mismatch(`${wrong} (${TRIES} tries)`);
}

const Sums = CompletionUsage.omit({ cached_tokens: true });

/** A usage whose sum is right. @throws Mismatch */
export function soundUsage(usage: unknown, what: string): z.infer<typeof Sums> {
  const counts = shaped(Sums, usage, what);
  const { prompt_tokens, completion_tokens, total_tokens } = counts;
  holds(
    total_tokens === prompt_tokens + completion_tokens,
    `${what}: ${prompt_tokens} + ${completion_tokens} tokens are not ${total_tokens}`,
  );
  return counts;
}

const Chunk = z.looseObject({
  id: UNJUDGED,
  object: UNJUDGED,
  created: UNJUDGED,
  model: UNJUDGED,
  choices: z.array(
    z.looseObject({
      index: UNJUDGED,
      delta: z.looseObject({ role: UNJUDGED, content: UNJUDGED, tool_calls: UNJUDGED }),
      finish_reason: UNJUDGED,
    }),
  ),
});
export type Chunk = z.infer<typeof Chunk>;

/** A streamed answer. */
export interface Stream {
  reply: Reply;
  /** The data of its events, `[DONE]` included. */
  events: string[];
  chunks: Chunk[];
  /** The pieces of its text, none of them empty. */
  pieces: string[];
  text: string;
}

/** A chat that is streamed. @throws Mismatch, Fault, Mismatch too where an event is no chunk */
export async function stream(trial: Trial<string>, body: object = {}): Promise<Stream> {
  const reply = succeeded(await send(trial, { stream: true, ...body }));
  const { events } = reply;
  const chunks = events.filter((event) => event !== '[DONE]').map((event) => shaped(Chunk, parsed(event), reply.what));
  const pieces = chunks
    .flatMap(({ choices }) => choices)
    .map(({ delta }) => delta.content)
    .filter((content) => typeof content === 'string' && content !== '') as string[];
  return { reply, events, chunks, pieces, text: pieces.join('') };
}

/** Chunks that end a choice. */
export function finishing(chunks: readonly Chunk[]): Chunk[] {
  return chunks.filter(({ choices }) => choices.some(({ finish_reason }) => finish_reason != null));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
