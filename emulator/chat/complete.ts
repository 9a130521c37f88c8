import type { ChatCompletion, ChatCompletionChunk, ChatRequest, CompletionUsage } from '../../contract/chat.ts';
import type { ToolCall } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import type { SessionState } from '../../contract/sessions.ts';
import type { OpenBill } from '../billing/billing.ts';
import { unixSeconds } from '../clock.ts';
import type { Model, ModelDelta, ModelRequest } from '../models/model.ts';
import type { ServedModel } from '../models/profiles.ts';
import type { Mutation, SessionTarget } from '../mutation.ts';
import { toSessionState } from '../sessions/session.ts';
import { argumentsText, Bounds, callId, completionId, type Reply, turnFacts, wholeCharacters } from './reply.ts';
import { openTurn, type Turn } from './turn.ts';

/** Takes chunks as they are made, and settles once more are wanted. */
type Give = (chunks: Iterable<ChatCompletionChunk>) => Promise<void>;

interface Completing {
  /** Characters of one content chunk. */
  chunkCharacters: number;
  /** Aborted where nobody waits for the answer any more. */
  abort: Abort;
  /** Where the answer is streamed. No chunk is made for one that is not. */
  give?: Give;
}

/** Gives up an answer, and what waits for its model. */
export class Abort {
  readonly #controller = new AbortController();
  #giveUp: ((reason: unknown) => void) | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#giveUp?.(reason);
  }

  /**
   * The same promise, given up as soon as all is: a model that hangs, or does not listen to the signal, must not hold the session
   * that it answers in. One promise at a time.
   */
  unlessAborted<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      promise.then(resolve, reject);
      if (this.signal.aborted) reject(this.signal.reason);
    });
  }
}

/**
 * Runs a turn, and commits it before its finish chunk is given, so that whoever has read the end has it stored. The one way in
 * which an answer is made, streamed or not. What the mutation holds is released at the end.
 */
export async function complete(
  mutation: Mutation<SessionTarget | undefined>,
  request: ChatRequest,
  { chunkCharacters, abort, give }: Completing,
): Promise<ChatCompletion> {
  const { services } = mutation;
  const { signal } = abort;
  try {
    const turn = await openTurn(mutation, request);
    const id = completionId(services.ids, turn.profile);
    const heading = { id, created: unixSeconds(services.clock), model: request.model };
    const out = give && { give, chunks: new Chunks(heading, turn.profile, chunkCharacters) };
    const { prompt, bill } = await turn.begin();
    const replies: Reply[] = [];
    for (let choice = 0; choice < turn.settings.choices; choice += 1) {
      replies.push(await answer(turn, services.model, { ...prompt, signal }, abort, choice, out));
    }
    signal.throwIfAborted();
    const usages = replies.map((reply) => usageOf(turn, bill, [reply]));
    const total = replies.length === 1 && usages[0] ? usages[0] : usageOf(turn, bill, replies);
    const { body: completion } = mutation.commitNow(() => {
      const row = turn.commit(replies);
      const session = row && toSessionState(services, row);
      const body = toCompletion(heading, replies, total, session);
      return {
        body: request.stream && replies.length > 1 ? withUsages(body, usages) : body,
        effects: turnFacts(request, body, turn.write, { start: bill.start, place: row?.view.head }),
        ...(session && { version: session.version }),
        ...(row && { past: { kind: 'turn' as const, session: row } }),
        ...(request.stream && { streamed: body.choices[0]?.message.content ?? '' }),
      };
    });
    const money = bill.settle(total.completion_tokens);
    if (bill.most !== undefined) mutation.noteBilled({ money, currency: bill.currency });
    if (out) {
      await out.give(finishes(out.chunks, replies, usages, completion.session));
      if (turn.settings.includeUsage) await out.give([out.chunks.usage(total)]);
    }
    return completion;
  } finally {
    mutation.release();
  }
}

/** What an answer depends on of its turn. */
type Answering = Pick<Turn, 'counter' | 'settings' | 'profile' | 'firstCall'>;

/** The reply that a model gives, counted as in a turn, without its chunks. */
export function replyOf(turn: Answering, model: Model, prompt: Omit<ModelRequest, 'signal'>): Promise<Reply> {
  const abort = new Abort();
  return answer(turn, model, { ...prompt, signal: abort.signal }, abort, 0);
}

/** One choice. The model is asked before anything is given, so that its failure can still be a plain error. */
async function answer(
  turn: Answering,
  model: Model,
  prompt: ModelRequest,
  abort: Abort,
  index: number,
  out?: { give: Give; chunks: Chunks },
): Promise<Reply> {
  const { counter, settings, profile } = turn;
  const begun = settings.partial !== undefined;
  const thinks = settings.thinking.enabled && !begun;
  const bounds = new Bounds(counter.tokenizer, settings, counter.markup(settings.thinking.enabled, begun));
  const calls: ToolCall[] = [];
  let opened = false;
  let reasons = false;
  const open = async (): Promise<void> => {
    opened = true;
    if (out) await out.give([out.chunks.opening(index)]);
  };
  const endReasoning = async (): Promise<void> => {
    reasons = false;
    if (out) await out.give([out.chunks.reasoningEnd(index)]);
  };
  const tell = async (text: string): Promise<void> => {
    if (out && text !== '') await out.give(out.chunks.text(index, text));
  };
  const call = async ({ name, arguments: given }: Extract<ModelDelta, { type: 'tool_call' }>): Promise<boolean> => {
    await tell(await bounds.rest());
    if (bounds.ended) return false;
    const asked = toCall(callId(profile, name, calls.length, turn.firstCall), name, argumentsText(profile, given));
    const [frame, whole] = [await counter.calls([...calls, emptied(asked)]), await counter.calls([...calls, asked])];
    const text = await bounds.pushArguments(asked.function.arguments, frame, whole);
    if (text === undefined) return false;
    const made = toCall(asked.id, name, text);
    calls.push(made);
    if (out) await out.give(out.chunks.call(index, calls.length - 1, made));
    return true;
  };
  prompt.signal.throwIfAborted();
  const deltas = model.complete(prompt)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await abort.unlessAborted(deltas.next());
      if (step.done) break;
      const delta = step.value;
      if (!opened) await open();
      if (delta.type === 'reasoning') {
        if (thinks && delta.text !== '') {
          reasons = true;
          const text = await bounds.pushReasoning(delta.text);
          if (out) await out.give(out.chunks.reasoning(index, text));
        }
      } else {
        if (reasons) await endReasoning();
        if (delta.type === 'text') await tell(await bounds.push(delta.text));
        else if (!(await call(delta))) break;
      }
      if (bounds.ended) break;
      prompt.signal.throwIfAborted();
    }
  } finally {
    // Not awaited: it would wait for a step that hangs. How a source ends that nobody reads is of no interest.
    deltas.return?.().then(undefined, () => undefined);
  }
  if (!opened) await open();
  const shows = thinks || (profile.thinking.whenOff.value !== 'nothing' && !begun);
  if (reasons || (shows && !thinks)) await endReasoning();
  await tell(await bounds.rest());
  const completionTokens = await bounds.finish();
  const finishReason = bounds.ended ?? (calls.length > 0 ? 'tool_calls' : 'stop');
  const reasoning = shows ? bounds.reasoning : undefined;
  return { content: bounds.text, reasoning, calls, sizes: await bounds.sizes(), completionTokens, finishReason };
}

function* finishes(
  chunks: Chunks,
  replies: readonly Reply[],
  usages: readonly CompletionUsage[],
  session: SessionState | undefined,
): Generator<ChatCompletionChunk> {
  for (const [index, reply] of replies.entries()) {
    const usage = usages[index];
    if (usage) yield chunks.finish(index, reply, usage, session);
  }
}

function emptied({ id, function: { name } }: ToolCall): ToolCall {
  return toCall(id, name, '');
}

function toCall(id: string, name: string, text: string): ToolCall {
  return { id, type: 'function', function: { name, arguments: text } };
}

/** Whatever is 0 of the cache is left out, as on the live API. */
function usageOf({ promptTokens, profile }: Turn, bill: OpenBill, replies: readonly Reply[]): CompletionUsage {
  const { cachedTokens } = bill;
  const completion = replies.reduce((sum, reply) => sum + reply.completionTokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    ...(cachedTokens > 0 && { cached_tokens: cachedTokens }),
    ...reasoningDetails(profile, replies, completion),
    ...promptDetails(profile, bill),
  };
}

/** `cache_write_tokens` is documented since 2026-10, and not seen yet. */
function promptDetails({ promptDetails: has }: ModelProfile, { cachedTokens, cacheWriteTokens }: OpenBill) {
  if (!has.value || cachedTokens + cacheWriteTokens === 0) return {};
  return {
    prompt_tokens_details: {
      ...(cachedTokens > 0 && { cached_tokens: cachedTokens }),
      ...(cacheWriteTokens > 0 && { cache_write_tokens: cacheWriteTokens }),
    },
  };
}

/** Models that show reasoning where they do not think count its end as a token of it [captured of K2.5, 2026-08]. */
function reasoningDetails({ thinking }: ModelProfile, replies: readonly Reply[], completionTokens: number) {
  const shown = replies.filter(({ reasoning }) => reasoning !== undefined);
  if (shown.length === 0) return {};
  const end = thinking.whenOff.value === 'nothing' ? 0 : 1;
  const tokens = shown.reduce((sum, { sizes }) => sum + sizes.reasoning + end, 0);
  return { completion_tokens_details: { reasoning_tokens: Math.min(tokens, completionTokens) } };
}

function toCompletion(
  heading: Heading,
  replies: readonly Reply[],
  usage: CompletionUsage,
  session: SessionState | undefined,
): ChatCompletion {
  return {
    id: heading.id,
    object: 'chat.completion',
    created: heading.created,
    model: heading.model,
    choices: replies.map(({ content, reasoning, calls, finishReason }, index) => ({
      index,
      message: {
        role: 'assistant',
        content,
        ...(reasoning !== undefined && { reasoning_content: reasoning }),
        ...(calls.length > 0 && {
          tool_calls: calls.map(({ id, type, function: call }, place) => ({ index: place, id, type, function: call })),
        }),
      },
      finish_reason: finishReason,
    })),
    usage,
    ...(session && { session }),
  };
}

/** An answer of several choices as it is stored for its replay: each finish chunk tells the usage of its own choice. */
type StreamedCompletion = ChatCompletion & { choices: { usage?: CompletionUsage }[] };

function withUsages(completion: ChatCompletion, usages: readonly CompletionUsage[]): StreamedCompletion {
  const choices = completion.choices.map((choice, index) => ({
    ...choice,
    ...(usages[index] && { usage: usages[index] }),
  }));
  return { ...completion, choices };
}

type Delta = ChatCompletionChunk['choices'][number]['delta'];

/** The name, time and model that every chunk of an answer repeats. */
interface Heading {
  id: string;
  created: number;
  model: string;
}

/** Builds the chunks of one answer, in the order and shape captured from the live API. */
class Chunks {
  readonly #heading: Heading;
  readonly #characters: number;
  readonly #fingerprint: ModelProfile['fingerprint']['value'];

  /** @param characters of one content chunk */
  constructor(heading: Heading, { fingerprint }: Pick<ModelProfile, 'fingerprint'>, characters: number) {
    this.#heading = heading;
    this.#characters = characters;
    this.#fingerprint = fingerprint.value;
  }

  opening(index: number): ChatCompletionChunk {
    return this.#chunk(index, { role: 'assistant', content: '' });
  }

  *text(index: number, text: string): Generator<ChatCompletionChunk> {
    for (const content of this.#pieces(text)) yield this.#chunk(index, { content });
  }

  *reasoning(index: number, text: string): Generator<ChatCompletionChunk> {
    for (const piece of this.#pieces(text)) yield this.#chunk(index, { reasoning_content: piece });
  }

  /** An empty piece ends the reasoning [captured of K3, 2026-08]. */
  reasoningEnd(index: number): ChatCompletionChunk {
    return this.#chunk(index, { reasoning_content: '' });
  }

  *call(
    index: number,
    place: number,
    { id, function: { name, arguments: text } }: ToolCall,
  ): Generator<ChatCompletionChunk> {
    const opening = { index: place, id, type: 'function' as const, function: { name, arguments: '' } };
    yield this.#chunk(index, { tool_calls: [opening] });
    if (text !== '') yield this.#chunk(index, { tool_calls: [{ index: place, function: { arguments: text } }] });
  }

  finish(
    index: number,
    reply: Pick<Reply, 'finishReason'>,
    usage: CompletionUsage,
    session?: SessionState,
  ): ChatCompletionChunk {
    const choice = { index, delta: {}, finish_reason: reply.finishReason, usage };
    return { ...this.#frame([choice], true), ...(session && { session }) };
  }

  usage(usage: CompletionUsage): ChatCompletionChunk {
    return { ...this.#frame([]), usage };
  }

  *#pieces(text: string): Generator<string> {
    for (let rest = text; rest !== ''; ) {
      const head = wholeCharacters(rest, this.#characters) || rest.slice(0, 2);
      yield head;
      rest = rest.slice(head.length);
    }
  }

  #chunk(index: number, delta: Delta): ChatCompletionChunk {
    return this.#frame([{ index, delta, finish_reason: null }]);
  }

  #frame(choices: ChatCompletionChunk['choices'], isFinish = false): ChatCompletionChunk {
    const { id, created, model } = this.#heading;
    const chunk: ChatCompletionChunk = { id, object: 'chat.completion.chunk', created, model, choices };
    const fingerprint = this.#fingerprint;
    if (fingerprint && (isFinish || fingerprint.on === 'every chunk')) chunk.system_fingerprint = fingerprint.text;
    return chunk;
  }
}

/** The chunks of an answer that was given before, as they were. */
export async function* replay(
  source: ServedModel,
  completion: StreamedCompletion,
  includeUsage: boolean,
  characters: number,
): AsyncGenerator<Iterable<ChatCompletionChunk>, void> {
  const { id, created, model, choices, usage, session } = completion;
  const chunks = new Chunks({ id, created, model }, source.profile, characters);
  for (const { index, message } of choices) {
    yield [chunks.opening(index)];
    if (message.reasoning_content !== undefined) {
      yield chunks.reasoning(index, message.reasoning_content);
      yield [chunks.reasoningEnd(index)];
    }
    yield chunks.text(index, message.content);
    for (const call of message.tool_calls ?? []) yield chunks.call(index, call.index, call);
  }
  for (const { index, finish_reason: finishReason, usage: own = usage } of choices) {
    yield [chunks.finish(index, { finishReason }, own, session)];
  }
  if (includeUsage) yield [chunks.usage(usage)];
}
