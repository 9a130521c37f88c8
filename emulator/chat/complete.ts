import type { ChatCompletion, ChatCompletionChunk, ChatRequest, CompletionUsage } from '../../contract/chat.ts';
import type { ToolCall } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import type { SessionState } from '../../contract/sessions.ts';
import type { OpenBill } from '../billing/billing.ts';
import { unixSeconds } from '../clock.ts';
import type { Model, ModelRequest } from '../models/model.ts';
import type { ServedModel } from '../models/profiles.ts';
import type { Mutation, SessionTarget } from '../mutation.ts';
import { toSessionState } from '../sessions/session.ts';
import { argumentsText, Bounds, callId, completionId, type Reply, turnFacts, wholeCharacters } from './reply.ts';
import { openTurn, type Turn } from './turn.ts';

interface Completing {
  /** Characters of one content chunk. */
  chunkCharacters: number;
  signal: AbortSignal;
}

/**
 * Runs a turn: yields its chunks, made as they are taken, and commits it before the finish chunk, so that whoever has read the
 * end has it stored. The one way in which an answer is made, streamed or not. What the mutation holds is released at the end.
 */
export async function* complete(
  mutation: Mutation<SessionTarget | undefined>,
  request: ChatRequest,
  { chunkCharacters, signal }: Completing,
): AsyncGenerator<Iterable<ChatCompletionChunk>, ChatCompletion> {
  const { services } = mutation;
  try {
    const turn = await openTurn(mutation, request);
    const id = completionId(services.ids, turn.profile);
    const heading = { id, created: unixSeconds(services.clock), model: request.model };
    const chunks = new Chunks(heading, turn.profile, chunkCharacters);
    const { prompt, bill } = await turn.begin();
    const replies: Reply[] = [];
    for (let choice = 0; choice < turn.settings.choices; choice += 1) {
      replies.push(yield* answer(turn, services.model, { ...prompt, signal }, chunks, choice));
    }
    signal.throwIfAborted();
    const usages = replies.map((reply) => usageOf(turn, bill, [reply]));
    const total = usageOf(turn, bill, replies);
    const { body: completion } = mutation.commitNow(() => {
      const row = turn.commit(replies);
      const session = row && toSessionState(services, row);
      const body = toCompletion(heading, replies, total, session);
      return {
        body: request.stream && replies.length > 1 ? withUsages(body, usages) : body,
        effects: turnFacts(request, body, turn.write, row?.view.head),
        ...(session && { version: session.version }),
        ...(row && { past: { kind: 'turn' as const, session: row } }),
        ...(request.stream && { streamed: body.choices[0]?.message.content ?? '' }),
      };
    });
    const money = bill.settle(total.completion_tokens);
    if (bill.most !== undefined) mutation.noteBilled({ money, currency: bill.currency });
    yield finishes(chunks, replies, usages, completion.session);
    if (turn.settings.includeUsage) yield [chunks.usage(total)];
    return completion;
  } finally {
    mutation.release();
  }
}

/** What an answer depends on of its turn. */
type Answering = Pick<Turn, 'counter' | 'settings' | 'profile' | 'firstCall'>;

/** The reply that a model gives, counted as in a turn, without its chunks. */
export async function replyOf(turn: Answering, model: Model, prompt: ModelRequest): Promise<Reply> {
  const chunks = new Chunks({ id: '', created: 0, model: prompt.model }, turn.profile, Number.MAX_SAFE_INTEGER);
  const answering = answer(turn, model, prompt, chunks, 0);
  for (;;) {
    const step = await answering.next();
    if (step.done) return step.value;
  }
}

/** One choice. The model is asked before anything is yielded, so that its failure can still be a plain error. */
async function* answer(
  turn: Answering,
  model: Model,
  prompt: ModelRequest,
  chunks: Chunks,
  index: number,
): AsyncGenerator<Iterable<ChatCompletionChunk>, Reply> {
  const { counter, settings, profile } = turn;
  const begun = settings.partial !== undefined;
  const thinks = settings.thinking.enabled && !begun;
  const bounds = new Bounds(counter.tokenizer, settings, counter.markup(settings.thinking.enabled, begun));
  const calls: ToolCall[] = [];
  let opened = false;
  let reasons = false;
  for await (const delta of abortable(model.complete(prompt), prompt.signal)) {
    if (!opened) yield [chunks.opening(index)];
    opened = true;
    if (delta.type === 'reasoning') {
      if (!thinks || delta.text === '') continue;
      reasons = true;
      yield chunks.reasoning(index, await bounds.pushReasoning(delta.text));
    } else {
      if (reasons) yield [chunks.reasoningEnd(index)];
      reasons = false;
      if (delta.type === 'text') {
        yield chunks.text(index, await bounds.push(delta.text));
      } else {
        yield chunks.text(index, await bounds.rest());
        if (bounds.ended) break;
        const call = toCall(
          callId(profile, delta.name, calls.length, turn.firstCall),
          delta.name,
          argumentsText(profile, delta.arguments),
        );
        const [frame, whole] = [await counter.calls([...calls, emptied(call)]), await counter.calls([...calls, call])];
        const text = await bounds.pushArguments(call.function.arguments, frame, whole);
        if (text === undefined) break;
        calls.push(toCall(call.id, delta.name, text));
        yield chunks.call(index, calls.length - 1, toCall(call.id, delta.name, text));
      }
    }
    if (bounds.ended) break;
  }
  if (!opened) yield [chunks.opening(index)];
  const shows = thinks || (profile.thinking.whenOff.value !== 'nothing' && !begun);
  if (reasons || (shows && !thinks)) yield [chunks.reasoningEnd(index)];
  yield chunks.text(index, await bounds.rest());
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

/** The answer of a turn that is not streamed. Its chunks are never read, so none are made. */
export async function collect(
  answering: AsyncGenerator<Iterable<ChatCompletionChunk>, ChatCompletion>,
): Promise<ChatCompletion> {
  for (;;) {
    const step = await answering.next();
    if (step.done) return step.value;
  }
}

/**
 * The items of `source`, given up as soon as the signal says so: a model that hangs, or does not listen to the signal, must
 * not hold the session that it answers in. Throws the signal's reason.
 */
async function* abortable<Item>(source: AsyncIterable<Item>, signal: AbortSignal): AsyncGenerator<Item, void> {
  signal.throwIfAborted();
  const items = source[Symbol.asyncIterator]();
  let giveUp = (_reason: unknown): void => undefined;
  const onAbort = () => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort);
  const next = () =>
    new Promise<IteratorResult<Item>>((resolve, reject) => {
      giveUp = reject;
      items.next().then(resolve, reject);
    });
  try {
    for (let step = await next(); !step.done; step = await next()) {
      yield step.value;
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: it would wait for the step that hangs. How a source ends that nobody reads is of no interest.
    items.return?.().then(undefined, () => undefined);
  }
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
