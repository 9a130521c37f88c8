import type { ChatCompletion, ChatRequest } from '../../contract/chat.ts';
import type { SessionState } from '../../contract/sessions.ts';
import { ApiError, invalid } from '../api-error.ts';
import { billingOf, type OpenBill } from '../billing/billing.ts';
import type { Tokenizer } from '../engines/tokens/tokenizer.ts';
import type { JournalEffects, Turn as TurnFacts } from '../journal/exchange.ts';
import { callFingerprint } from '../journal/sent.ts';
import type { ModelRequest } from '../models/model.ts';
import type { Services } from '../services.ts';
import {
  bodyOf,
  type Counted,
  extend,
  pairOrRefuse,
  requireWriteFits,
  type Write,
  type WriteItem,
} from '../sessions/append.ts';
import { pair } from '../sessions/groups.ts';
import { readWindow } from '../sessions/messages.ts';
import { sameTools, saveSession, toSessionState, toUsage } from '../sessions/session.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { type Reply, storedReply } from './chunks.ts';
import { modelSettings, type Settings, settingsOf } from './settings.ts';

const NO_TOOLS: Toolset = { tools: [], tokens: 0 };

/** A chat request that has passed every check: what the model reads, and how its reply takes effect. */
export interface Turn {
  /**
   * Reads what the model reads, and opens the bill. The session is held by then, so that it cannot change.
   * @throws ApiError `quota_exceeded`
   */
  begin(): Promise<{ prompt: Omit<ModelRequest, 'signal'>; bill: OpenBill }>;
  promptTokens: number;
  settings: Settings;
  tokenizer: Tokenizer;
  /** Number of the first tool call that this turn issues. */
  firstCall: number;
  /** Makes the turn part of its session, in the caller's transaction. Undefined outside a session. */
  commit(replies: readonly Reply[]): SessionState | undefined;
}

/** A turn without a session: the messages are the whole history. @throws ApiError with the live API's texts */
export function openStateless(
  services: Services,
  account: string,
  request: ChatRequest,
  { write, tools, tokenizer }: Counted,
): Turn {
  const { limits } = services;
  if (request.messages.length === 0) throw invalid('messages must not be empty', 'messages', 'no_messages');
  const messages = write.items.map((item) => item.body);
  const pairing = pair([], messages);
  if ('kind' in pairing) {
    const { kind, ids, index } = pairing;
    if (kind === 'unanswered') throw new ApiError('tool_results_missing', { ids, index });
    throw new ApiError('tool_call_id_not_found', { ids, fault: kind, index });
  }
  if (pairing.open.length > 0) throw new ApiError('tool_results_missing', { ids: pairing.open });
  const asked = settingsOf(request, limits);
  const available = tools?.tools ?? [];
  const promptTokens = (tools?.tokens ?? 0) + write.tokens + asked.extraTokens;
  const settings = { ...asked, maxTokens: answerTokens(services, asked, promptTokens) };
  const requested = promptTokens + settings.maxTokens;
  if (requested > limits.window_tokens) {
    const details = { limit: limits.window_tokens, requested, adding: promptTokens, answer: settings.maxTokens };
    throw new ApiError('context_window_exceeded', details);
  }
  const prompt = { ...modelSettings(request, settings, available), messages, tools: available };
  return {
    async begin() {
      const bill = billingOf(services).open({
        account,
        model: request.model,
        tools: tools ?? NO_TOOLS,
        window: [],
        written: write.items,
        promptTokens,
        maxTokens: settings.maxTokens,
      });
      return { prompt, bill };
    },
    promptTokens,
    settings,
    tokenizer,
    firstCall: messages.reduce((calls, message) => calls + (message.tool_calls?.length ?? 0), 0),
    commit: () => undefined,
  };
}

/** A turn in a session: the messages are the new ones. @throws ApiError in the order of the contract */
export function openInSession(
  services: Services,
  session: SessionRow,
  request: ChatRequest,
  { write, tools, tokenizer }: Counted,
): Turn {
  if (request.messages.length === 0 && session.view.messages === 0) {
    throw invalid('messages must not be empty while the window is', 'messages', 'no_messages');
  }
  const asked = settingsOf(request, services.limits);
  const available = tools ?? services.store.toolsets.read(session.toolset);
  const { promptTokens, maxTokens } = checkTurn(services, session, { write, tools, settings: asked });
  const settings = { ...asked, maxTokens };
  const prompt = modelSettings(request, settings, available.tools);
  let stored: readonly WriteItem[] = [];
  return {
    async begin() {
      const window = await readWindow(services.store.history, session.view);
      const messages = [...window.map((message) => message.body), ...write.items.map((item) => item.body)];
      const bill = billingOf(services).open({
        account: session.account,
        session: session.id,
        model: request.model,
        tools: available,
        window,
        written: write.items,
        promptTokens,
        maxTokens: settings.maxTokens,
      });
      const settle = (outputTokens: number): void => {
        bill.settle(outputTokens);
        billingOf(services).wrote(session.id, stored);
      };
      return {
        prompt: { ...prompt, messages, tools: available.tools, session: { id: session.id } },
        bill: { ...bill, settle },
      };
    },
    promptTokens,
    settings,
    tokenizer,
    firstCall: session.calls,
    commit: ([reply]) => {
      stored = storedReply(reply, write.items, settings.partial !== undefined);
      return toSessionState(services, commitTurn(services, session, stored, tools, reply?.calls.length ?? 0));
    },
  };
}

/** What a chat turn adds to a session: the new messages and, replacing the session's where given, tools. */
interface TurnInput {
  write: Write;
  tools: Toolset | undefined;
  settings: Settings;
}

/** The end of a stored answer: in a session it must fit the window too. */
const STORED_END_TOKENS = 1;

/** Tokens that the answer may take: what was asked for, or what is left of the window where that is less and may be cut. */
function answerTokens(
  { limits, clampsAnswers }: Services,
  { maxTokens, clampable }: Settings,
  promptTokens: number,
  endTokens = 0,
): number {
  if (!clampsAnswers || !clampable) return maxTokens;
  return Math.max(1, Math.min(maxTokens, limits.window_tokens - promptTokens - endTokens));
}

/**
 * Checks a turn against the session. Changes nothing.
 * @returns the tokens of its prompt, and those that its answer may take
 * @throws ApiError for tool pairing, then `append_too_large`, then `context_window_exceeded`
 */
function checkTurn(
  services: Services,
  session: SessionRow,
  { write, tools, settings }: TurnInput,
): { promptTokens: number; maxTokens: number } {
  const { store, limits } = services;
  const { open } = pairOrRefuse(store.history.tail(session.view).calls.map(bodyOf), write.items);
  if (open.length > 0) throw new ApiError('tool_call_unanswered', { ids: open, param: 'messages' });
  requireWriteFits(services, write);
  const used = toUsage(services, session);
  const toolsTokens = tools ? tools.tokens : used.tools_tokens;
  const promptTokens = toolsTokens + session.view.tokens + write.tokens + settings.extraTokens;
  const maxTokens = answerTokens(services, settings, promptTokens, STORED_END_TOKENS);
  const requested = promptTokens + maxTokens + STORED_END_TOKENS;
  if (requested > limits.window_tokens) {
    throw new ApiError('context_window_exceeded', {
      limit: limits.window_tokens,
      requested,
      used: used.total_tokens,
      adding: promptTokens - used.total_tokens,
      answer: maxTokens + STORED_END_TOKENS,
    });
  }
  return { promptTokens, maxTokens };
}

/** Commits a turn: new messages, tools and reply together, in the caller's transaction. */
function commitTurn(
  services: Services,
  session: SessionRow,
  items: readonly WriteItem[],
  tools: Toolset | undefined,
  callsIssued: number,
): SessionRow {
  const { store } = services;
  const replacing = tools && !sameTools(services, session, tools);
  if (items.length === 0 && !replacing) return session;
  const tail = store.history.tail(session.view);
  const pairing = pairOrRefuse(tail.calls.map(bodyOf), items);
  const { view } = extend(services, session.view, tail, items, pairing);
  const toolset = replacing ? store.toolsets.insert(tools) : session.toolset;
  return saveSession(services, session, { view, toolset, calls: session.calls + callsIssued });
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
