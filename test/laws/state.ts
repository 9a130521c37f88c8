import type { ChatMessage, Tool } from '../../contract/messages.ts';

/** A message of the reference: plain data, never changed in place. */
export interface Message {
  id: string;
  body: ChatMessage;
  tokens: number;
  pinned: boolean;
  truncated: boolean;
  summary: boolean;
  /** Messages of one number are kept or cut together. */
  group: number;
}

/** What snapshots, rollbacks and forks carry: tools and messages. */
export interface Content {
  tools: Tool[];
  toolsTokens: number;
  messages: Message[];
}

export interface SessionState {
  id: string;
  account: string;
  version: number;
  content: Content;
}

export interface SnapshotState {
  id: string;
  account: string;
  sessionId: string;
  preserveLen: number | null;
  archived: Content;
  restored: Content;
  shareId: string | null;
}

/** Everything that the emulator should hold, in plain arrays, oldest first. */
export interface State {
  sessions: SessionState[];
  snapshots: SnapshotState[];
  groups: number;
}

export const EMPTY: Content = { tools: [], toolsTokens: 0, messages: [] };

export function emptyState(): State {
  return { sessions: [], snapshots: [], groups: 0 };
}

export function tokensOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + message.tokens, 0);
}

export function totalOf({ toolsTokens, messages }: Content): number {
  return toolsTokens + tokensOf(messages);
}

/** The groups of a window, oldest first. */
export function groupsOf(messages: readonly Message[]): Message[][] {
  const groups = new Map<number, Message[]>();
  for (const message of messages) groups.set(message.group, [...(groups.get(message.group) ?? []), message]);
  return [...groups.values()];
}

export function isHeld(group: readonly Message[]): boolean {
  return group.some((message) => message.pinned);
}

/** Ids of the calls at the end of a window that have no result yet. */
export function openCalls(messages: readonly Message[]): string[] {
  const newest = groupsOf(messages).at(-1) ?? [];
  const answered = new Set(newest.map((message) => message.body.tool_call_id));
  return newest.flatMap(({ body }) => (body.tool_calls ?? []).map((call) => call.id)).filter((id) => !answered.has(id));
}
