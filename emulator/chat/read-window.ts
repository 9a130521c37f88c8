import { answeredCalls } from '../engines/tokens/prompt-counter.ts';
import { countAlike } from '../models/profiles.ts';
import type { Services } from '../services.ts';
import { bodyOf, isBorder, type Write, type WriteItem } from '../sessions/append.ts';
import { type ReadMessage, readAs, readWindow } from '../sessions/messages.ts';
import { asNewEntry, type NewEntry, tokensOf, type View } from '../store/entries.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import type { Thinking } from './thinking.ts';

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

/** @param session that is held, so that it cannot change */
export async function windowFor(services: Services, session: SessionRow, model: string): Promise<TurnWindow> {
  const { profiles } = services;
  const isCounted = countAlike(profiles.of(session.model).profile, profiles.of(model).profile);
  return isCounted ? storedWindow(services, session) : recountedWindow(services, session, model);
}

/** The window as it is stored. */
function storedWindow({ store }: Services, { view, toolset }: SessionRow): TurnWindow {
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
      const window = await readWindow(history, view);
      return window.map((message) => readAs(message, isKept(kept, message.seq > reasoning.keptAfter)));
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
