import type { ChatRequest } from '../../contract/chat.ts';
import type { ChatMessage } from '../../contract/messages.ts';
import type { SessionState } from '../../contract/sessions.ts';
import { ApiError, invalid } from '../api-error.ts';
import { billingOf, type OpenBill } from '../billing/billing.ts';
import { turnFacts } from '../chat/reply.ts';
import {
  cacheSettings,
  checkTurn,
  commitTurn,
  countTurn,
  hasBorder,
  readItems,
  type TurnInput,
  type TurnWindow,
  windowFor,
} from '../chat/turn.ts';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import type { RequestContext } from '../http/context.ts';
import {
  journalStreamedText,
  noteEffects,
  renderError,
  respondWritten,
  sendStream,
  setHeader,
} from '../http/respond.ts';
import { resumed, type Source, toEvent } from '../http/streams.ts';
import { lazy } from '../lazy.ts';
import type { Mutation, SessionTarget } from '../mutation.ts';
import { toSessionState } from '../sessions/session.ts';
import { historyOf, sizeItem, type WriteItem } from '../sessions/write.ts';
import { readWindow } from '../store/history.ts';
import type { SessionRow } from '../store/sessions.ts';
import { type ReadAnswer, StreamedAnswer, toCompletion, withMember } from './answer.ts';
import {
  heldEvents,
  readChat,
  requireAnswer,
  streamChat,
  UpstreamErrorEvent,
  UpstreamRefusal,
  usageCleaner,
} from './ask-turn.ts';
import type { Gateway } from './gateway.ts';
import { headersOf } from './pass-through.ts';
import type { Reservation } from './spend-caps.ts';
import { answerField, lengthOf, OWN_HEADERS, turnBody } from './turn-request.ts';
import { endToEnd, isUnsent, pairsOf, type UpstreamAnswer } from './upstream.ts';

interface TurnAsked {
  request: ChatRequest;
  /** As it was sent. */
  body: unknown;
  mutation: Mutation<SessionTarget>;
  /** Ends the call: where the client has gone, and where the turn has failed, as an answer that nobody reads keeps its connection. */
  abort: AbortController;
}

/** What is known of a turn once it has been checked. */
interface CheckedTurn {
  input: TurnInput;
  session: SessionRow;
  window: TurnWindow;
  promptTokens: number;
  bill: OpenBill;
  reservation: Reservation;
}

/** A turn in a session: the window and the new messages go to the upstream, and its answer into the session. */
export class SessionTurn {
  readonly #c: RequestContext;
  readonly #gateway: Gateway;
  readonly #asked: TurnAsked;
  #timer: NodeJS.Timeout | undefined;
  #isCalling = false;
  #lostBefore = false;

  constructor(c: RequestContext, gateway: Gateway, asked: TurnAsked) {
    this.#c = c;
    this.#gateway = gateway;
    this.#asked = asked;
  }

  /** Not streamed. */
  async answer(): Promise<Response> {
    const { mutation } = this.#asked;
    try {
      const { turn, answer } = await this.#ask(false);
      const { text, read } = await readChat(answer, this.#c.var.services.limits);
      await this.#finish(turn, read, (session) => withMember(text, 'session', session));
      copyHeaders(this.#c, answer);
      this.#tellDrift(turn, read);
      if (sliceIsOver()) await yieldToEventLoop();
      return respondWritten(this.#c, mutation.answer);
    } catch (error) {
      this.#asked.abort.abort(error);
      throw error;
    } finally {
      this.#release();
    }
  }

  /** Streamed. Up to the first event a failure is plain JSON. */
  async stream(): Promise<Response> {
    const events = this.#events();
    const first = await events.next();
    const source: Source<string> = resumed(first, events);
    if (!this.#gateway.finishesAbandoned) return sendEvents(this.#c, source, this.#asked.abort);
    const drained = { next: source.next, return: () => drain(events) };
    return sendEvents(this.#c, drained, new AbortController());
  }

  async *#events(): AsyncGenerator<string[], void> {
    const { request } = this.#asked;
    const progress = new StreamedAnswer();
    try {
      const { turn, answer } = await this.#ask(true);
      copyHeaders(this.#c, answer);
      const { limits } = this.#c.var.services;
      const events = streamChat(answer, limits, progress, usageCleaner(request));
      let sent = '';
      for (let step = await events.next(); ; step = await events.next()) {
        if (!step.done) {
          sent += step.value.join('');
          yield step.value;
          continue;
        }
        const { read } = step.value;
        let last: string[] = [];
        await this.#finish(turn, read, (session) => {
          last = heldEvents(step.value, session);
          return sent + last.join('');
        });
        journalStreamedText(this.#c, read.content);
        yield last;
        return;
      }
    } catch (error) {
      const { content } = progress.read;
      if (content !== '') journalStreamedText(this.#c, content);
      this.#asked.abort.abort(error);
      throw error;
    } finally {
      this.#release();
    }
  }

  /** However the turn has ended, but for the death of the process. */
  #release(): void {
    clearTimeout(this.#timer);
    this.#endCall();
    this.#asked.mutation.release();
  }

  #limitTime(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#asked.abort.abort(new ApiError('upstream_timeout', { what: 'no end of the answer', seconds: ms / 1_000 }));
    }, ms);
  }

  /** Checks the turn, and asks the upstream. @throws UpstreamRefusal, ApiError */
  async #ask(isStreamed: boolean): Promise<{ turn: CheckedTurn; answer: UpstreamAnswer }> {
    const { signal } = this.#asked.abort;
    const { turn, parts } = await this.#check(isStreamed);
    this.#limitTime(this.#gateway.turnMs);
    this.#beginCall();
    try {
      const answer = await this.#gateway.upstream.ask({
        method: 'POST',
        path: '/chat/completions',
        headers: [...this.#gateway.headersFor(headersOf(this.#c), (name) => OWN_HEADERS.has(name)), ...lengthOf(parts)],
        body: parts,
        signal,
      });
      await requireAnswer(answer, isStreamed);
      return { turn, answer };
    } catch (error) {
      // What was refused, or never sent, costs nothing. Of all else it is not known, so the reservation stands.
      if (error instanceof UpstreamRefusal || isUnsent(error)) turn.reservation.release();
      throw error;
    }
  }

  /** From here on a process that dies may take an answer with it that was paid for: its retry is to know. */
  #beginCall(): void {
    const { store } = this.#c.var.services;
    const key = this.#key;
    if (key !== undefined) this.#lostBefore = store.answers.beginCall(this.#c.var.account, key);
    this.#isCalling = key !== undefined;
  }

  #endCall(): void {
    const { store } = this.#c.var.services;
    if (!this.#isCalling || store.closed) return;
    this.#isCalling = false;
    store.answers.endCall(this.#c.var.account, this.#key ?? '');
  }

  get #key(): string | undefined {
    return this.#c.req.header('idempotency-key');
  }

  async #check(isStreamed: boolean): Promise<{ turn: CheckedTurn; parts: Uint8Array[] }> {
    const { services, account } = this.#c.var;
    const { request, body, mutation } = this.#asked;
    const input = await countTurn(services, request, mutation.load(), this.#c.var);
    await mutation.storeBlobs(input.write);
    const session = mutation.hold();
    if (request.messages.length === 0 && session.view.messages === 0) {
      throw invalid('messages must not be empty while the window is', 'messages', 'no_messages');
    }
    // Read once: for the bill without the reasoning that the prompt drops, and for the upstream with it.
    const stored = lazy(() => readWindow(services.store.history, session.view));
    const window = await windowFor(services, session, request.model, stored);
    const { promptTokens, maxTokens } = checkTurn(services, session, window, input);
    this.#c.get('rate')?.charge(promptTokens + maxTokens);
    this.#c.get('faults')?.requireMemory(input.write.tokens + (input.tools?.tokens ?? 0));
    const { thinking } = input.settings;
    const read = await window.read(thinking, hasBorder(input.write));
    const whole = await this.#wholeWindow(window, input);
    const { model } = request;
    const tools = input.tools ?? window.tools;
    const written = readItems(input.write.items, thinking);
    const asked = { account, session: session.id, model, tools, window: read, written, promptTokens, maxTokens };
    const parts = await turnBody(services, {
      sent: body,
      window: whole,
      tools: window.tools.tools,
      answerTokens: maxTokens === input.settings.maxTokens ? {} : { [answerField(request)]: maxTokens },
      isStreamed,
    });
    const { profile } = services.profiles.of(model);
    const bill = billingOf(services).open({ ...asked, ...cacheSettings(profile, request, input.settings) });
    const reservation = this.#reserve(session.id, bill);
    return { turn: { input, session, window, promptTokens, bill, reservation }, parts };
  }

  /** With all its reasoning: which of it a prompt keeps, Kimi's own server decides. Others may refuse any. */
  async #wholeWindow(window: TurnWindow, { request, settings }: TurnInput): Promise<ChatMessage[]> {
    const { profiles } = this.#c.var.services;
    const isKimi = !profiles.isOther(request.model);
    const read = await window.read({ ...settings.thinking, enabled: isKimi, keepsAll: isKimi }, false);
    return read.map((message) => message.body);
  }

  #reserve(session: string, { most }: OpenBill): Reservation {
    const { caps } = this.#gateway;
    const { account } = this.#c.var;
    if (caps.none) return FREE;
    const { model } = this.#asked.request;
    if (most === undefined) throw new ApiError('spend_limit_reached', { model });
    return caps.reserve({ account, session }, most + most / DRIFT_SHARE);
  }

  /**
   * Charges an answer, and makes the turn part of its session.
   * @param textOf what is sent of it and, under a key, stored
   * @throws ApiError where it does not fit the window
   */
  async #finish(turn: CheckedTurn, read: ReadAnswer, textOf: (session: SessionState) => string): Promise<void> {
    const { input, bill, reservation, promptTokens } = turn;
    // To read a long answer may have used up this slice, and to store it takes one of its own.
    if (sliceIsOver()) await yieldToEventLoop();
    const stored = await this.#storedAnswer(turn, read);
    if (sliceIsOver()) await yieldToEventLoop();
    const usage = read.usage ?? { promptTokens, cachedTokens: bill.cachedTokens, completionTokens: stored.tokens };
    const money = bill.settle(usage.completionTokens, usage);
    reservation.settle(money);
    if (bill.most !== undefined) this.#asked.mutation.noteBilled({ money, currency: bill.currency });
    this.#requireFits(turn, stored.items);
    const { services, account } = this.#c.var;
    const { request, mutation } = this.#asked;
    const answered = toCompletion(read, usage);
    const { session } = mutation.commitNow((row) => {
      const committed = { input, items: stored.items, callsIssued: read.calls.length };
      const next = commitTurn(services, row, turn.window, committed);
      const state = toSessionState(services, next);
      this.#endCall();
      const past = { kind: 'turn' as const, session: next };
      return { body: answered, session: state, version: state.version, text: textOf(state), past };
    });
    const place = services.store.sessions.find(account, turn.session.id)?.view.head;
    const drift = driftOf(turn, read);
    noteEffects(this.#c, {
      ...turnFacts(request, { ...answered, session }, input.write, { start: bill.start, place }),
      ...((drift || this.#lostBefore) && {
        upstream: { ...(drift && { drift }), ...(this.#lostBefore && { lost_before: true as const }) },
      }),
    });
    billingOf(services).wrote(turn.session.id, historyOf(services.profiles.of(request.model), stored.items));
  }

  /** The messages that the turn stores: the new ones, and the answer where it is whole. Its tokens are counted here. */
  async #storedAnswer({ input }: CheckedTurn, read: ReadAnswer): Promise<{ items: WriteItem[]; tokens: number }> {
    const { request, write, settings, counter } = input;
    const served = this.#c.var.services.profiles.of(request.model);
    const begun = settings.partial ? write.items.at(-1) : undefined;
    const { content, reasoning, calls, finishReason } = read;
    const isWhole = calls.length > 0 ? finishReason !== 'length' : content !== '';
    if (!isWhole) return { items: write.items.filter((item) => item !== begun || item.body.content !== ''), tokens: 0 };
    const body: ChatMessage = {
      ...(begun?.body ?? { role: 'assistant' }),
      content: (typeof begun?.body.content === 'string' ? begun.body.content : '') + content,
      ...(reasoning !== undefined && { reasoning_content: reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
    };
    const sized = await sizeItem(served, counter, body, undefined);
    const before = begun ? begun.tokens : counter.emptyAnswer.tokens;
    const items = [...(begun ? write.items.slice(0, -1) : write.items), { ...sized, pinned: begun?.pinned }];
    return { items, tokens: sized.tokens + sized.reasoning - before };
  }

  #requireFits({ window, input, session }: CheckedTurn, items: readonly WriteItem[]): void {
    const { profiles } = this.#c.var.services;
    const limit = profiles.of(session.model).limits.window_tokens;
    const tools = (input.tools ?? window.tools).tokens;
    const requested = tools + window.tokensWith(items);
    if (requested <= limit) return;
    const used = window.tools.tokens + window.tokensWith([]);
    throw new ApiError('context_window_exceeded', { limit, requested, used, adding: requested - used });
  }

  #tellDrift(turn: CheckedTurn, read: ReadAnswer): void {
    const drift = driftOf(turn, read);
    if (drift) setHeader(this.#c, 'Kimi-Emulator-Token-Drift', `counted=${drift.counted}, upstream=${drift.upstream}`);
  }
}

const FREE: Reservation = { settle: () => undefined, release: () => undefined };

/** A larger difference is told. */
const DRIFT = 0.02;
/** So much more is reserved, as one part of the whole: what is counted there may be a little more. */
const DRIFT_SHARE = 50n;

function driftOf({ promptTokens }: CheckedTurn, { usage }: ReadAnswer) {
  if (!usage) return undefined;
  const { promptTokens: upstream } = usage;
  return Math.abs(upstream - promptTokens) > DRIFT * promptTokens ? { counted: promptTokens, upstream } : undefined;
}

export function copyHeaders(c: RequestContext, { headers }: UpstreamAnswer): void {
  const own = c.get('headers');
  for (const [name, value] of pairsOf(endToEnd(headers, (each) => NOT_COPIED.has(each)))) {
    const known = Object.keys(own).find((each) => each.toLowerCase() === name.toLowerCase());
    setHeader(c, known ?? name, value);
  }
}

/** Headers of an answer that are about its body, or whose meaning is another one here. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'etag',
  'idempotent-replayed',
  'set-cookie',
  'server-timing',
]);

export function sendEvents(
  c: RequestContext,
  source: Source<string>,
  abort: AbortController,
): Response | Promise<Response> {
  setHeader(c, 'Content-Type', 'text/event-stream');
  setHeader(c, 'Cache-Control', 'no-cache');
  return sendStream(c, source, {
    encode: (raw) => raw,
    encodeError: (error) => (error instanceof UpstreamErrorEvent ? error.raw : toEvent(renderError(c, error))),
    ending: 'data: [DONE]\n\n',
    abort,
  });
}

/** Reads to the end what nobody takes any more. */
async function drain(events: AsyncGenerator<string[], void>): Promise<void> {
  for (let step = await events.next(); !step.done; ) step = await events.next();
}
