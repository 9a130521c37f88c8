import { APIConnectionError, APIError, APIUserAbortError } from 'openai';
import type { CompletionUsage } from '../../contract/chat.ts';
import { contentText } from '../../contract/content-text.ts';
import type { ToolCall } from '../../contract/messages.ts';
import type { SessionMessage, SessionState } from '../../contract/sessions.ts';
import { markOf, type PendingShrink, type PendingWrite, type SessionMark } from '../checkpoint.ts';
import { isSessionError, RollingSessionError } from '../errors.ts';
import type { ChatCompletionChunk } from '../kimi-client.ts';
import { waitOrThrow } from '../retry.ts';
import { emitWindow, isReplay, type RollingContext, retryOptions, stepOptions } from './context.ts';
import { makeRoom, planShrink } from './shrink.ts';
import { findOutcome, isConflict, makeWrites, refuse, splitFurther } from './write.ts';

/** What the caller has been given of an answer, over all tries. */
interface Delivered {
  text: string;
  reasoning: string;
}

/**
 * Carries out the turn that is pending, however often it takes, and yields its answer's text once. Whether the server runs
 * it, has run it and answers again, or has forgotten that it did: it is in the session once.
 * @param resumed true where another process, or an earlier call, may have sent it
 */
export async function* carryOutTurn(
  context: RollingContext,
  resumed: boolean,
  signal?: AbortSignal,
): AsyncGenerator<string, TurnResult> {
  const { checkpoint, events } = context;
  const delivered: Delivered = { text: '', reasoning: '' };
  const tell = (outcome: 'sent' | 'replayed' | 'found') => {
    if (resumed) events.emit('resume', { what: 'turn', outcome });
  };
  for (let attempt = 0; ; attempt += 1) {
    if (attempt === 0) await makeWrites(context, resumed, signal);
    const write = checkpoint.state.write;
    if (!write) throw new Error('no turn is pending');
    try {
      const { result, replayed } = yield* tryTurn(context, write, delivered, signal);
      await commit(context, result);
      tell(replayed ? 'replayed' : 'sent');
      return result;
    } catch (error) {
      if (isConflict(error) && attempt <= context.settings.retries) {
        const found = await findTurn(context, write, signal);
        if (!found) continue;
        yield* remainder(found.text, delivered);
        tell('found');
        return found;
      }
      if (
        isSessionError(error, 'append_too_large') &&
        (await splitFurther(context, write, write.writes.length - 1, error))
      ) {
        await makeWrites(context, false, signal);
      } else if (isSessionError(error, 'context_window_exceeded') && attempt === 0) {
        await makeRoom(context, { incoming: Number.MAX_SAFE_INTEGER, betweenRounds: false }, signal);
      } else {
        await waitOrThrow(await refuse(context, error), attempt, retryOptions(context, signal));
      }
    }
  }
}

/** One request. What it streams beyond what was delivered before is yielded. */
async function* tryTurn(
  { client, checkpoint, events }: RollingContext,
  write: PendingWrite,
  delivered: Delivered,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, { result: TurnResult; replayed: boolean }> {
  const { id, version } = checkpoint.session;
  const body = { ...write.request, session_id: id, messages: write.writes.at(-1) ?? [], stream: true as const };
  const step = { key: checkpoint.key(write.step, 'turn'), version, signal };
  const { data: stream, response } = await client.chat.completions
    .create(body as typeof body & { model: string }, stepOptions(step))
    .withResponse();
  const answer = new Answer();
  let behind = delivered.text !== '';
  try {
    for await (const chunk of stream) {
      const delta = answer.add(chunk);
      tellReasoning(events, answer.reasoning, delivered);
      // What is there already would be read to its end. A turn whose end was read is done, and no longer given up.
      if (signal?.aborted && !answer.finished) throw new APIUserAbortError();
      if (behind) {
        if (answer.text.length < delivered.text.length) continue;
        behind = false;
        yield* remainder(answer.text, delivered);
      } else if (delta !== '') {
        delivered.text += delta;
        yield delta;
      }
    }
  } catch (error) {
    if (!answer.finished) throw signal?.aborted ? new APIUserAbortError() : asConnectionError(error);
  }
  if (!answer.finished) throw signal?.aborted ? new APIUserAbortError() : brokenOff();
  if (behind) yield* remainder(answer.text, delivered);
  const result = answer.result();
  if (!result) throw new RollingSessionError('no_dialect');
  return { result, replayed: isReplay(response) };
}

/** What a second try thinks like the first is not told again; where it thinks otherwise, that is told from its beginning. */
function tellReasoning(events: RollingContext['events'], text: string, delivered: Delivered): void {
  if (delivered.reasoning.startsWith(text)) return;
  const delta = text.startsWith(delivered.reasoning) ? text.slice(delivered.reasoning.length) : text;
  delivered.reasoning = text;
  events.emit('reasoning', { delta, text });
}

/** What of an answer was not delivered yet. @throws RollingSessionError where what was delivered is not its beginning */
function* remainder(text: string, delivered: Delivered): Generator<string, void> {
  if (!text.startsWith(delivered.text)) throw new RollingSessionError('answer_restarted');
  const rest = text.slice(delivered.text.length);
  delivered.text = text;
  if (rest !== '') yield rest;
}

/** The turn is done, and with it is written down the shrinking that has to follow the round. */
async function commit(context: RollingContext, { session: state, toolCalls, finishReason }: TurnResult): Promise<void> {
  const { checkpoint, limits } = context;
  const { total_tokens, remaining_tokens } = state.usage;
  context.limits = { ...limits, window_tokens: total_tokens + remaining_tokens };
  const made = finishReason === 'length' ? [] : toolCalls;
  const calls = made.map(({ id, type, function: called }) => ({ id, type, function: called }));
  const session = markOf(state, calls.length > 0);
  const shrink = planNext(context, session);
  const turns = checkpoint.state.turns + 1;
  await checkpoint.save({ session, turns, calls, write: null, ...(shrink && { step: shrink.step, shrink }) });
  emitWindow(context);
}

/** A window that cannot be shrunk is told of and refuses the next turn, not this one, which is done. */
function planNext(context: RollingContext, session: SessionMark): PendingShrink | null {
  try {
    return planShrink(context, { session, betweenRounds: true });
  } catch (error) {
    context.events.emit('deferred', { error });
    return null;
  }
}

/** The pending turn, found in the session; undefined where it is not there and has to be sent to the session as it is now. */
export async function findTurn(
  context: RollingContext,
  write: PendingWrite,
  signal: AbortSignal | undefined,
): Promise<TurnResult | undefined> {
  const { checkpoint } = context;
  const { committed, reply, session } = await findOutcome(context, write.writes.at(-1) ?? [], true, signal);
  if (!committed) {
    const step = checkpoint.nextStep;
    await checkpoint.save({ step, session: markOf(session, checkpoint.session.open), write: { ...write, step } });
    return undefined;
  }
  const { id, version, usage } = session;
  const result = storedResult(reply, { id, version, usage });
  await commit(context, result);
  return result;
}

/** Whatever ends the reading of a stream is a failed connection, unless the server said what it is. */
function asConnectionError(error: unknown): unknown {
  if (error instanceof APIError || error instanceof RollingSessionError) return error;
  return new APIConnectionError({ message: 'The answer broke off.', ...(error instanceof Error && { cause: error }) });
}

function brokenOff(): APIConnectionError {
  return new APIConnectionError({ message: 'The answer ended before its last part.' });
}

/** A turn that is committed. */
export interface TurnResult {
  text: string;
  /** What the model thought before it answered; empty where it did not. The session keeps it. */
  reasoning: string;
  reasoningTokens: number;
  toolCalls: ToolCall[];
  /** `unknown` where the answer was found in the session and not read from its stream. */
  finishReason: string;
  usage: CompletionUsage | null;
  session: SessionState;
}

/** Puts an answer together from its chunks. */
class Answer {
  readonly #calls = new Map<number, ToolCall>();
  #finishReason: string | undefined;
  #usage: CompletionUsage | undefined;
  #session: SessionState | undefined;
  text = '';
  reasoning = '';

  /** Whether the finish chunk has come: then the turn is committed, whatever becomes of the rest of the stream. */
  get finished(): boolean {
    return this.#finishReason !== undefined;
  }

  /** @returns the text that the chunk adds */
  add(chunk: ChatCompletionChunk): string {
    if (chunk.session) this.#session = chunk.session;
    const choice = chunk.choices[0];
    if (!choice) return '';
    if (choice.usage) this.#usage = choice.usage;
    if (choice.finish_reason) this.#finishReason = choice.finish_reason;
    for (const delta of choice.delta.tool_calls ?? []) this.#addToolCall(delta);
    const text = choice.delta.content ?? '';
    this.text += text;
    this.reasoning += choice.delta.reasoning_content ?? '';
    return text;
  }

  /** Undefined where the server said nothing of the session. */
  result(): TurnResult | undefined {
    if (!this.#session) return undefined;
    return {
      text: this.text,
      reasoning: this.reasoning,
      reasoningTokens: this.#usage?.completion_tokens_details?.reasoning_tokens ?? 0,
      toolCalls: [...this.#calls.values()],
      finishReason: this.#finishReason ?? 'unknown',
      usage: this.#usage ?? null,
      session: this.#session,
    };
  }

  #addToolCall({ index, id, function: part }: NonNullable<Delta['tool_calls']>[number]): void {
    const call = this.#calls.get(index) ?? { index, id: '', type: 'function', function: { name: '', arguments: '' } };
    this.#calls.set(index, call);
    if (id) call.id = id;
    call.function.name += part?.name ?? '';
    call.function.arguments += part?.arguments ?? '';
  }
}

type Delta = ChatCompletionChunk['choices'][number]['delta'];

/** The result of a turn whose answer stands in the session; without `reply`, of one that was answered with nothing. */
function storedResult(reply: SessionMessage | undefined, session: SessionState): TurnResult {
  return {
    text: contentText(reply?.content),
    reasoning: reply?.reasoning_content ?? '',
    reasoningTokens: reply?.reasoning_tokens ?? 0,
    toolCalls: reply?.tool_calls ?? [],
    finishReason: 'unknown',
    usage: null,
    session,
  };
}
