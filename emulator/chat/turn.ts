import type { ChatRequest } from '../../contract/chat.ts';
import type { ChatMessage } from '../../contract/messages.ts';
import type { Effort, ModelProfile } from '../../contract/models/profile.ts';
import { ApiError, invalid } from '../api-error.ts';
import { billingOf, type OpenBill } from '../billing/billing.ts';
import { STEPS_PER_YIELD, sliceIsOver, yieldIfOver, yieldToEventLoop } from '../engines/scheduler.ts';
import { answeredCalls, type PromptCounter } from '../engines/tokens/prompt.ts';
import type { ModelRequest } from '../models/model.ts';
import { countAlike } from '../models/profiles.ts';
import type { Mutation, SessionTarget } from '../mutation.ts';
import type { Services } from '../services.ts';
import { extend, pair, pairOrRefuse, requireWriteFits } from '../sessions/append.ts';
import type { MediaSource } from '../sessions/media.ts';
import { sameTools, saveSession } from '../sessions/session.ts';
import {
  bodyOf,
  type Counted,
  countContent,
  historyOf,
  isBorder,
  type ReadMessage,
  readAs,
  type Write,
  type WriteItem,
} from '../sessions/write.ts';
import { asNewEntry, type NewEntry, type StoredMessage, tokensOf, type View } from '../store/entries.ts';
import { readWindow } from '../store/history.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { type Reply, storedReply } from './reply.ts';
import {
  modelSettings,
  promptSettings,
  requireReasoning,
  type Settings,
  settingsOf,
  type Thinking,
} from './settings.ts';

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
  /** What the request writes. */
  write: Write;
  /** Makes the turn part of its session, in the caller's transaction. Undefined outside a session. */
  commit(replies: readonly Reply[]): SessionRow | undefined;
}

/** A request, checked and counted. */
export interface TurnInput extends Counted {
  request: ChatRequest;
  settings: Settings;
  /** Tokens that the request adds to its tools and messages; see `PromptCounter.request`. */
  addedTokens: number;
}

/**
 * Checks and counts a request, and holds its session until the mutation is released.
 * @throws ApiError in the order of the contract
 */
export async function openTurn(mutation: Mutation<SessionTarget | undefined>, request: ChatRequest): Promise<Turn> {
  const { services, account } = mutation;
  const input = await countTurn(services, request, mutation.load(), mutation.media);
  if (request.session_id != null) await mutation.storeBlobs(input.write);
  const session = mutation.hold();
  const turn = session
    ? openInSession(services, session, await windowFor(services, session, request.model), input)
    : openStateless(services, account, input);
  mutation.charge(turn.promptTokens + turn.settings.choices * turn.settings.maxTokens);
  mutation.requireMemory(input.write.tokens + (input.tools?.tokens ?? 0));
  return turn;
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
function openStateless(services: Services, account: string, input: TurnInput): Turn {
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
      const bill = billingOf(services).open({ ...asked, ...cacheSettings(profile, request, settings) });
      return { prompt, bill };
    },
    profile,
    counter,
    promptTokens,
    settings,
    firstCall,
    write,
    commit: () => undefined,
  };
}

/** @throws ApiError where calls and results do not match, with the live API's texts */
function requireAnswered(messages: readonly ChatMessage[]): void {
  const pairing = pair([], messages);
  if ('kind' in pairing) {
    const { kind, ids, index, first } = pairing;
    if (kind === 'unanswered') throw new ApiError('tool_results_missing', { ids, index });
    throw new ApiError('tool_call_id_not_found', { ids, fault: kind, index, ...(first !== undefined && { first }) });
  }
  if (pairing.open.length > 0) throw new ApiError('tool_results_missing', { ids: pairing.open });
}

/** A turn in a session: the messages are the new ones. @throws ApiError in the order of the contract */
function openInSession(services: Services, session: SessionRow, window: TurnWindow, input: TurnInput): Turn {
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
      // Each step goes through the whole window, which may hold a message for every few of its tokens.
      const read = await window.read(settings.thinking, hasBorder(write));
      await yieldIfOver();
      const messages = [...read, ...written].map((message) => message.body);
      const prompt = modelSettings(served.profile, request, settings, { declared: tools.tools, messages });
      if (served.profile.thinking.requiresReasoning.value) {
        const whole = await window.read({ ...settings.thinking, keepsAll: true }, false);
        await yieldIfOver();
        requireReasoning(served.profile, settings.thinking, [...whole, ...write.items].map(bodyOf));
      }
      await yieldIfOver();
      const { model } = request;
      const asked = { account, session: id, model, tools, window: read, written, promptTokens, maxTokens };
      const bill = billingOf(services).open({ ...asked, ...cacheSettings(served.profile, request, settings) });
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
    write,
    commit: ([reply]) => {
      stored = storedReply(reply, write.items, settings.partial !== undefined, { ...served, counter });
      return commitTurn(services, session, window, { input, items: stored, callsIssued: reply?.calls.length ?? 0 });
    },
  };
}

/** What a request says of how its prompt is cached: for how long, and under which effort. */
export function cacheSettings(
  profile: ModelProfile,
  { prompt_cache_options: options }: ChatRequest,
  { thinking }: Pick<Settings, 'thinking'>,
): { cacheTtl: '5m' | '1h' | undefined; effort: Effort | undefined } {
  const isTold = thinking.enabled && profile.thinking.efforts.value !== null;
  return { cacheTtl: options?.ttl ?? undefined, effort: isTold ? thinking.effort : undefined };
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
  // The answer's tokens hold markup that the stored one's frame holds too.
  const { beforeReasoning, afterReasoning, beforeText } = counter.markup(
    settings.thinking.enabled,
    Boolean(settings.partial),
  );
  const frame = (settings.partial ? 0 : tokens + reasoning) - beforeReasoning - afterReasoning - beforeText;
  // A request may leave out reasoning that the window keeps.
  const kept = tools + window.tokensWith(write.items) + frame;
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

/** A session's window as the model of a turn reads it. */
export interface TurnWindow {
  readonly tools: Toolset;
  /** Its tools where they had to be counted anew. */
  readonly recountedTools: Toolset | undefined;
  /** Tokens of the window in the prompt of a turn. @param closed whether the turn's own messages drop all reasoning before them */
  tokens(thinking: Thinking, closed: boolean): number;
  /** Tokens of the window as it is kept, with messages behind it. */
  tokensWith(items: readonly WriteItem[]): number;
  /** Its messages, with the reasoning that the prompt keeps. */
  read(thinking: Thinking, closed: boolean): Promise<ReadMessage[]>;
  /** What the turn is written behind, in the caller's transaction. */
  base(): View;
}

/**
 * @param session that is held, so that it cannot change
 * @param readStored its messages as they are stored, for a caller that has them already
 */
export async function windowFor(
  services: Services,
  session: SessionRow,
  model: string,
  readStored = () => readWindow(services.store.history, session.view),
): Promise<TurnWindow> {
  const { profiles } = services;
  const isCounted = countAlike(profiles.of(session.model).profile, profiles.of(model).profile);
  return isCounted ? storedWindow(services, session, readStored) : recountedWindow(services, session, model);
}

/** The window as it is stored. */
function storedWindow(
  { store }: Services,
  { view, toolset }: SessionRow,
  readStored: () => Promise<readonly StoredMessage[]>,
): TurnWindow {
  const { history, toolsets } = store;
  const reasoning = history.reasoning(view);
  return {
    get tools() {
      return toolsets.read(toolset);
    },
    recountedTools: undefined,
    tokens(thinking, closed) {
      const kept = keptPart(thinking, closed);
      if (kept === 'default') return view.tokens;
      return view.tokens - reasoning.kept + (kept === 'all' ? reasoning.all : 0);
    },
    tokensWith: (items) => history.tokensWith(view, items),
    async read(thinking, closed) {
      const kept = keptPart(thinking, closed);
      const window = await readStored();
      const read: ReadMessage[] = [];
      for (const message of window) {
        if (sliceIsOver(STEPS_PER_YIELD)) await yieldToEventLoop();
        read.push(readAs(message, isKept(kept, message.seq > reasoning.keptAfter)));
      }
      return read;
    },
    base: () => view,
  };
}

/** The window counted for a model that reads it differently. It is written anew with the turn. */
async function recountedWindow(services: Services, { view, toolset }: SessionRow, model: string): Promise<TurnWindow> {
  const { profiles, store } = services;
  const served = profiles.of(model);
  const counter = await served.counter();
  const window = await readWindow(store.history, view);
  const answered = answeredCalls([], window.map(bodyOf));
  const entries: NewEntry[] = [];
  for (const [place, message] of window.entries()) {
    const size = await counter.message(message.body, answered[place]);
    entries.push({ ...asNewEntry(message), ...size, border: isBorder(served.profile, message.body) });
  }
  const { tools } = store.toolsets.read(toolset);
  const recountedTools = tools.length === 0 ? undefined : { tools, tokens: await counter.tools(tools) };
  const border = entries.findLastIndex((entry) => entry.border);
  const read = (thinking: Thinking, closed: boolean): ReadMessage[] => {
    const kept = keptPart(thinking, closed);
    return entries.map(({ message, tokens, reasoning }, place) =>
      readAs({ ...message, tokens, reasoning }, isKept(kept, place > border)),
    );
  };
  return {
    tools: recountedTools ?? { tools: [], tokens: 0 },
    recountedTools,
    tokens: (thinking, closed) => sumTokens(read(thinking, closed)),
    tokensWith: (items) => tokensOf([...entries, ...items]),
    read: async (thinking, closed) => read(thinking, closed),
    base: () => store.history.rewrite(entries),
  };
}

/** Whether messages drop all reasoning before them. */
export function hasBorder({ items }: Write): boolean {
  return items.some((item) => item.border);
}

/** The messages of a request, with the reasoning that the prompt keeps. */
export function readItems(items: readonly WriteItem[], thinking: Thinking): ReadMessage[] {
  const kept = keptPart(thinking, false);
  const border = items.findLastIndex((item) => item.border);
  return items.map((item, place) => readAs(item, isKept(kept, place > border)));
}

export function sumTokens(messages: readonly ReadMessage[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0);
}

type KeptPart = 'all' | 'none' | 'default';

function keptPart({ enabled, keepsAll }: Thinking, closed: boolean): KeptPart {
  if (!enabled) return 'none';
  if (keepsAll) return 'all';
  return closed ? 'none' : 'default';
}

function isKept(kept: KeptPart, byDefault: boolean): boolean {
  return kept === 'default' ? byDefault : kept === 'all';
}
