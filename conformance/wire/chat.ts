import { z } from 'zod';
import { CompletionUsage } from '../../contract/chat.ts';
import type { Cost } from '../core/budget.ts';
import type { CaseContext } from '../core/case.ts';
import { expectBody, expectError, expectShape, expectSuccess, expectTrue } from '../core/expect.ts';
import { Inconclusive, Mismatch } from '../core/verdict.ts';
import type { Reply } from './reply.ts';
import { type Message, user } from './sessions.ts';

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
interface Completion {
  reply: Reply;
  choices: Choice[];
  /** The first choice. */
  choice: Choice;
  /** Its content; empty where it is not text. */
  text: string;
  usage: unknown;
}

/** The worst cost of so many short chats, refused ones included. */
export function costOfChats(count: number, more: Partial<Cost> = {}): () => Cost {
  return () => ({
    requests: count,
    promptTokens: count * PROMPT_TOKENS,
    completionTokens: count * MAX_TOKENS,
    answers: count,
    ...more,
  });
}

/** An order that a real model obeys, and one that only looks things up. */
export function replyExactly(text: string): object[] {
  return [user(`Reply with exactly: ${text}`)];
}

/** A chat, whatever becomes of it. What `body` leaves out is a short answer of the target's model to a short order. */
export function sendChat(context: CaseContext<string>, body: object = {}): Promise<Reply> {
  const { model } = context.target;
  const max_tokens = MAX_TOKENS + context.texts.overhead.answer;
  return context.api.post(CHAT, { model, messages: replyExactly('OK'), max_tokens, ...body });
}

/** A chat that is answered. @throws Mismatch, Inconclusive */
export async function completeChat(context: CaseContext<string>, body: object = {}): Promise<Completion> {
  const reply = await sendChat(context, body);
  const { choices, usage } = expectBody(reply, Answer);
  const [choice] = choices;
  if (!choice) throw new Mismatch(`${reply.what}: an answer without a choice`);
  return { reply, choices, choice, text: textOf(choice), usage };
}

export function textOf({ message }: Choice): string {
  return typeof message.content === 'string' ? message.content : '';
}

/** A chat with something wrong in it, which is refused as other invalid requests are. @returns the message @throws Mismatch */
export async function expectChatError(context: CaseContext<string>, body: object): Promise<string> {
  return expectError(await sendChat(context, body), 'invalid_request', { bare: true });
}

const Refusal = z.looseObject({ error: z.looseObject({ type: z.string(), message: z.string() }) });

/** Type and message of a refusal: what is the same of one in a session and outside. @throws Mismatch */
export function refusalIn({ json, what }: Reply): [type: string, message: string] {
  const { error } = expectShape(Refusal, json, what);
  return [error.type, error.message];
}

/** Asks up to three times for what a model may fail to do. `attempt` says what is wrong, or nothing. @throws Mismatch */
export async function withinThreeTries(attempt: () => Promise<string | undefined>): Promise<void> {
  let wrong: string | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    wrong = await attempt();
    if (wrong === undefined) return;
  }
  throw new Mismatch(`${wrong} (${TRIES} tries)`);
}

const Sums = CompletionUsage.omit({ cached_tokens: true });

/** A usage whose sum is right. @throws Mismatch */
export function expectUsage(usage: unknown, what: string): z.infer<typeof Sums> {
  const counts = expectShape(Sums, usage, what);
  const { prompt_tokens, completion_tokens, total_tokens } = counts;
  expectTrue(
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

/** A chat that is streamed. @throws Mismatch, also where an event is not a chunk; Inconclusive */
export async function streamChat(context: CaseContext<string>, body: object = {}): Promise<Stream> {
  const reply = expectSuccess(await sendChat(context, { stream: true, ...body }));
  const { events } = reply;
  const chunks = events
    .filter((event) => event !== '[DONE]')
    .map((event) => expectShape(Chunk, parsed(event), reply.what));
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

/** A function to be called, and a request that has it called. */

const NAME = 'get_forecast';

/** A function without parameters. */
export function functionTool(name: string): object {
  return { type: 'function', function: { name, parameters: { type: 'object', properties: {} } } };
}

const FORECAST = {
  type: 'function',
  function: {
    name: NAME,
    description: 'Tells the forecast for a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
      required: ['city', 'days'],
    },
  },
};

/** What fits the parameters of the forecast. */
export const ForecastArguments = z.looseObject({ city: z.string(), days: z.int().min(1).max(7) });

/** Has the forecast called by whoever does as he is told. */
export const FORECAST_REQUEST = {
  messages: [user(`Call ${NAME} for the city Berlin and 3 days.`)],
  tools: [FORECAST],
};
export const FORECAST_NAME = NAME;

const Call = z.looseObject({
  index: z.unknown().optional(),
  id: z.unknown().optional(),
  type: z.unknown().optional(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});
type Call = z.infer<typeof Call>;

/** The calls of a message; none where they are not calls. */
export function toolCallsOf(message: { tool_calls?: unknown }): Call[] {
  return z.array(Call).safeParse(message.tool_calls).data ?? [];
}

/** Undefined where a text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ANSWER_TOKENS = 32;

/** What plants a code word. Prompts that a real model answers, and one that only looks things up. */
export function codeWordText(word: string, of = 'project'): string {
  return `The code word of the ${of} is ${word}.`;
}

export function codeWordQuestion(of = 'project'): Message {
  return user(`What is the code word of the ${of}? Reply with the code word only.`);
}

/** What the model says when it is asked for the code word, in a session where `request` names one. */
export async function askCodeWord(context: CaseContext<string>, request: object, of?: string): Promise<string> {
  const { model } = context.target;
  const { choices } = await context.api.chat({
    model,
    messages: [codeWordQuestion(of)],
    max_tokens: ANSWER_TOKENS + context.texts.overhead.answer,
    ...request,
  });
  const [choice] = choices;
  if (!choice) throw new Inconclusive('a chat was answered without a choice');
  return choice.message.content;
}

/** @throws Mismatch where the code word does not come back */
export async function expectRecall(
  context: CaseContext<string>,
  request: object,
  word: string,
  of?: string,
): Promise<void> {
  let said = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    said = await askCodeWord(context, request, of);
    if (said.includes(word)) return;
  }
  throw new Mismatch(`the model was told ${word} and does not know it: ${JSON.stringify(said.slice(0, 200))}`);
}

/** One answer is enough to tell: what must not be known may never be said. @throws Mismatch where the code word comes back */
export async function expectNoRecall(
  context: CaseContext<string>,
  request: object,
  word: string,
  of?: string,
): Promise<void> {
  const said = await askCodeWord(context, request, of);
  if (said.includes(word)) throw new Mismatch(`the model must not know ${word}, and says it`);
}
