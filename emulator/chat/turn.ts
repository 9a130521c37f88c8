import type { ChatRequest } from '../../contract/chat.ts';
import type { SessionState } from '../../contract/sessions.ts';
import { billingOf, type OpenBill } from '../billing/billing.ts';
import { toolsTokensSliced } from '../engines/tokens/chat-template.ts';
import type { Tokenizer } from '../engines/tokens/tokenizer.ts';
import { ApiError, invalid } from '../errors.ts';
import type { ModelRequest } from '../models/model.ts';
import type { Services } from '../services.ts';
import { pair } from '../sessions/groups.ts';
import { toSessionState } from '../sessions/objects.ts';
import { commitTurn, openTurn } from '../sessions/turn.ts';
import { readWindow } from '../sessions/window.ts';
import { countWrite, type Write, type WriteItem } from '../sessions/write.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { type Reply, storedReply } from './reply.ts';
import { modelSettings, type Settings, settingsOf } from './settings.ts';

const NO_TOOLS: Toolset = { tools: [], tokens: 0 };

/** A chat request that has passed every check: what the model reads, and how its reply takes effect. */
export interface Turn {
  /**
   * Reads what the model reads, and opens the bill; once the session is held, so that it cannot change meanwhile.
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

/** What a request brings, counted. */
export interface Counted {
  write: Write;
  tools: Toolset | undefined;
  tokenizer: Tokenizer;
}

export async function countRequest({ tokenizer: source }: Services, request: ChatRequest): Promise<Counted> {
  const tokenizer = await source.load();
  const write = await countWrite(source, request.messages);
  const tools = request.tools && {
    tools: request.tools,
    tokens: await toolsTokensSliced(tokenizer, request.tools),
  };
  return { write, tools: tools ?? undefined, tokenizer };
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
  if ('kind' in pairing || pairing.open.length > 0) {
    throw new ApiError(
      'tool_call_id_not_found',
      'kind' in pairing
        ? { ids: pairing.ids, fault: pairing.kind, index: pairing.index }
        : { ids: pairing.open, fault: 'unanswered' },
    );
  }
  const settings = settingsOf(request, limits);
  const available = tools?.tools ?? [];
  const promptTokens = (tools?.tokens ?? 0) + write.tokens + settings.extraTokens;
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
  const settings = settingsOf(request, services.limits);
  const available = tools ?? services.store.toolsets.read(session.toolset);
  const prompt = modelSettings(request, settings, available.tools);
  const promptTokens = openTurn(services, session, { write, tools, ...settings });
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
