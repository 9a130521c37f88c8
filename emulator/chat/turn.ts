import type { ChatCompletion, ChatRequest } from '../../contract/chat.ts';
import type { ChatMessage } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import type { SessionState } from '../../contract/sessions.ts';
import { ApiError, invalid } from '../api-error.ts';
import { billingOf, type OpenBill } from '../billing/billing.ts';
import type { PromptCounter } from '../engines/tokens/prompt-counter.ts';
import type { JournalEffects, Turn as TurnFacts } from '../journal/exchange.ts';
import { callFingerprint } from '../journal/sent.ts';
import type { ModelRequest } from '../models/model.ts';
import type { Services } from '../services.ts';
import {
  bodyOf,
  type Counted,
  countContent,
  extend,
  historyOf,
  pairOrRefuse,
  requireWriteFits,
  type Write,
  type WriteItem,
} from '../sessions/append.ts';
import { pair } from '../sessions/groups.ts';
import type { MediaSource } from '../sessions/media.ts';
import { sameTools, saveSession, toSessionState } from '../sessions/session.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { type Reply, storedReply } from './chunks.ts';
import { requireReasoning } from './profile-rules.ts';
import { hasBorder, readItems, sumTokens, type TurnWindow } from './read-window.ts';
import { modelSettings, promptSettings, type Settings, settingsOf } from './settings.ts';

const NO_TOOLS: Toolset = { tools: [], tokens: 0 };

/** A chat request that has passed every check: what the model reads, and how its reply takes effect. */
export interface Turn {
  /**
   * Reads what the model reads, and opens the bill. The session is held by then, so that it cannot change.
   * @throws ApiError `quota_exceeded`
   */
  begin(): Promise<{ prompt: Omit<ModelRequest, 'signal'>; bill: OpenBill }>;
  profile: ModelProfile;
  counter: PromptCounter;
  promptTokens: number;
  settings: Settings;
  /** Number of the first tool call that this turn issues, where calls are counted over the history. */
  firstCall: number;
  /** Makes the turn part of its session, in the caller's transaction. Undefined outside a session. */
  commit(replies: readonly Reply[]): SessionState | undefined;
}

/** A request, checked and counted. */
export interface TurnInput extends Counted {
  request: ChatRequest;
  settings: Settings;
  /** Tokens that the request adds to its tools and messages; see `PromptCounter.request`. */
  addedTokens: number;
}

/** Counts what a request brings, in slices. */
export async function countTurn(
  services: Services,
  request: ChatRequest,
  session: SessionRow | undefined,
  media: MediaSource,
): Promise<TurnInput> {
  const { model, messages, tools } = request;
  const settings = settingsOf(request, services.profiles.of(model));
  const target = { model, media, ...(session && { view: session.view }) };
  const counted = await countContent(services, target, messages, tools);
  const begun = settings.partial !== undefined;
  const addedTokens = await counted.counter.request(promptSettings(request, settings), begun);
  return { ...counted, request, settings, addedTokens };
}

/** A turn without a session: the messages are the whole history. @throws ApiError with the live API's texts */
export function openStateless(services: Services, account: string, input: TurnInput): Turn {
  const { request, write, tools = NO_TOOLS, addedTokens, counter } = input;
  if (request.messages.length === 0) throw invalid('messages must not be empty', 'messages', 'no_messages');
  const bodies = write.items.map((item) => item.body);
  requireAnswered(bodies);
  const { profile, limits } = services.profiles.of(request.model);
  const written = readItems(write.items, input.settings.thinking);
  const promptTokens = tools.tokens + sumTokens(written) + addedTokens;
  const settings = { ...input.settings, maxTokens: answerTokens(services, input, promptTokens) };
  const requested = promptTokens + settings.maxTokens;
  if (requested > limits.window_tokens) {
    const details = { limit: limits.window_tokens, requested, adding: promptTokens, answer: settings.maxTokens };
    throw new ApiError('context_window_exceeded', details);
  }
  const messages = written.map((message) => message.body);
  const prompt = modelSettings(profile, request, settings, { declared: tools.tools, messages });
  const firstCall = bodies.reduce((calls, message) => calls + (message.tool_calls?.length ?? 0), 0);
  return {
    async begin() {
      const { model } = request;
      const { maxTokens } = settings;
      const asked = { account, model, tools, window: [], written, promptTokens, maxTokens };
      const bill = billingOf(services).open({ ...asked, cacheTtl: cacheTtl(request) });
      return { prompt, bill };
    },
    profile,
    counter,
    promptTokens,
    settings,
    firstCall,
    commit: () => undefined,
  };
}

/** @throws ApiError where calls and results do not match, with the live API's texts */
function requireAnswered(messages: readonly ChatMessage[]): void {
  const pairing = pair([], messages);
  if ('kind' in pairing) {
    const { kind, ids, index } = pairing;
    if (kind === 'unanswered') throw new ApiError('tool_results_missing', { ids, index });
    throw new ApiError('tool_call_id_not_found', { ids, fault: kind, index });
  }
  if (pairing.open.length > 0) throw new ApiError('tool_results_missing', { ids: pairing.open });
}

/** A turn in a session: the messages are the new ones. @throws ApiError in the order of the contract */
export function openInSession(services: Services, session: SessionRow, window: TurnWindow, input: TurnInput): Turn {
  const { request, write, counter } = input;
  if (request.messages.length === 0 && session.view.messages === 0) {
    throw invalid('messages must not be empty while the window is', 'messages', 'no_messages');
  }
  const served = services.profiles.of(request.model);
  const tools = input.tools ?? window.tools;
  const { promptTokens, maxTokens } = checkTurn(services, session, window, input);
  const settings = { ...input.settings, maxTokens };
  let stored: readonly WriteItem[] = [];
  return {
    async begin() {
      const { account, id } = session;
      const written = readItems(write.items, settings.thinking);
      const read = await window.read(settings.thinking, hasBorder(write));
      const messages = [...read, ...written].map((message) => message.body);
      const prompt = modelSettings(served.profile, request, settings, { declared: tools.tools, messages });
      if (served.profile.thinking.requiresReasoning.value) {
        const whole = await window.read({ ...settings.thinking, keepsAll: true }, false);
        requireReasoning(served.profile, settings.thinking, [...whole, ...write.items].map(bodyOf));
      }
      const { model } = request;
      const asked = { account, session: id, model, tools, window: read, written, promptTokens, maxTokens };
      const bill = billingOf(services).open({ ...asked, cacheTtl: cacheTtl(request) });
      const settle: OpenBill['settle'] = (outputTokens) => {
        const cost = bill.settle(outputTokens);
        billingOf(services).wrote(id, historyOf(served, stored));
        return cost;
      };
      return { prompt: { ...prompt, session: { id } }, bill: { ...bill, settle } };
    },
    profile: served.profile,
    counter,
    promptTokens,
    settings,
    firstCall: session.calls,
    commit: ([reply]) => {
      stored = storedReply(reply, write.items, settings.partial !== undefined, { ...served, counter });
      const next = commitTurn(services, session, window, {
        input,
        items: stored,
        callsIssued: reply?.calls.length ?? 0,
      });
      return toSessionState(services, next);
    },
  };
}

export function cacheTtl({ prompt_cache_options: options }: ChatRequest): '5m' | '1h' | undefined {
  return options?.ttl ?? undefined;
}

/** The end of a stored answer: in a session it must fit the window too. */
const STORED_END_TOKENS = 1;

/** Tokens that the answer may take: what was asked for, or what is left of the window where that is less and may be cut. */
function answerTokens(services: Services, { request, settings }: TurnInput, besides: number): number {
  const { maxTokens, clampable } = settings;
  if (!services.clampsAnswers || !clampable) return maxTokens;
  return Math.max(1, Math.min(maxTokens, services.profiles.of(request.model).limits.window_tokens - besides));
}

/**
 * Checks a turn against the session. Changes nothing.
 * @returns the tokens of its prompt, and those that its answer may take
 * @throws ApiError for tool pairing, then `append_too_large`, then `context_window_exceeded`
 */
export function checkTurn(
  services: Services,
  session: SessionRow,
  window: TurnWindow,
  input: TurnInput,
): { promptTokens: number; maxTokens: number } {
  const { request, write, settings, addedTokens, counter } = input;
  const { open } = pairOrRefuse(services.store.history.tail(session.view).calls.map(bodyOf), write.items);
  if (open.length > 0) throw new ApiError('tool_call_unanswered', { ids: open, param: 'messages' });
  requireWriteFits(services, write);
  const limit = services.profiles.of(request.model).limits.window_tokens;
  const tools = (input.tools ?? window.tools).tokens;
  const written = sumTokens(readItems(write.items, settings.thinking));
  const promptTokens = tools + window.tokens(settings.thinking, hasBorder(write)) + written + addedTokens;
  const { tokens, reasoning } = counter.emptyAnswer;
  // A request may leave out reasoning that the window keeps.
  const kept = tools + window.tokensWith(write.items) + (settings.partial ? 0 : tokens + reasoning);
  const besides = Math.max(promptTokens + STORED_END_TOKENS, kept);
  const maxTokens = answerTokens(services, input, besides);
  if (besides + maxTokens > limit) {
    const used = window.tools.tokens + window.tokensWith([]);
    const adding = besides - STORED_END_TOKENS - used;
    const answer = maxTokens + STORED_END_TOKENS;
    throw new ApiError('context_window_exceeded', { limit, requested: besides + maxTokens, used, adding, answer });
  }
  return { promptTokens, maxTokens };
}

interface CommittedTurn {
  input: TurnInput;
  items: readonly WriteItem[];
  callsIssued: number;
}

/** Commits a turn: new messages, tools and reply together, in the caller's transaction. */
export function commitTurn(
  services: Services,
  session: SessionRow,
  window: TurnWindow,
  { input: { request, tools }, items, callsIssued }: CommittedTurn,
): SessionRow {
  const { store, profiles } = services;
  const replacing = tools && !sameTools(services, session, tools) ? tools : window.recountedTools;
  const moving = profiles.of(session.model).profile !== profiles.of(request.model).profile;
  if (items.length === 0 && !replacing && !moving) return session;
  const base = window.base();
  const tail = store.history.tail(base);
  const pairing = pairOrRefuse(tail.calls.map(bodyOf), items);
  const { view } = extend(services, base, tail, items, pairing);
  const toolset = replacing ? store.toolsets.insert(replacing) : session.toolset;
  const model = moving ? request.model : session.model;
  return saveSession(services, session, { view, toolset, model, calls: session.calls + callsIssued });
}

/**
 * What the journal stores of a committed turn.
 * @param place of the newest message in its session's history; asked for only where calls were written
 */
export function turnFacts(
  { max_completion_tokens, max_tokens }: ChatRequest,
  { model, choices, usage, session }: ChatCompletion,
  write: Write,
  place: () => number | undefined,
): JournalEffects {
  const turn: TurnFacts = {
    model,
    usage,
    max_tokens: max_completion_tokens ?? max_tokens ?? null,
    finish_reasons: choices.map((choice) => choice.finish_reason),
  };
  const calls = choices.flatMap(({ message }) => message.tool_calls ?? []);
  const isStored = choices[0]?.finish_reason !== 'length';
  if (calls.length > 0) {
    turn.calls = calls.map(({ id }) => id);
    turn.called = calls.map((call) => callFingerprint(call.function));
  }
  if (!session) return { turn };
  if (calls.length > 0 && !isStored) turn.stored = false;
  turn.total = session.usage.total_tokens;
  const written = write.items.flatMap(({ body }) => body.tool_calls?.map((call) => call.id) ?? []);
  const opened = isStored ? [...written, ...calls.map(({ id }) => id)] : written;
  const answered = write.items.flatMap(({ body }) => (body.tool_call_id === undefined ? [] : [body.tool_call_id]));
  const at = opened.length > 0 ? place() : undefined;
  return {
    turn,
    wrote: {
      messages: write.items.length,
      tokens: write.tokens,
      total: session.usage.total_tokens,
      ...(opened.length > 0 && { opened }),
      ...(answered.length > 0 && { answered }),
      ...(at !== undefined && { place: at }),
    },
  };
}
