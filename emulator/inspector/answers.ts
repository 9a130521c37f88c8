import type { TurnCost } from '../billing/billing.ts';
import type { ChangeKind } from '../store/past.ts';

/** What the routes below `/_emulator/inspect` answer with. The page is compiled against these types. */

/** A place to look at a session's window from: `now`, the number of a moment, or the id of a snapshot or of another session. */
export type At = string;

/** Messages on a page of a window. */
export const PAGE_MESSAGES = 20;

export interface Overview {
  version: string;
  /** Sent along with every action, as `Kimi-Emulator-Inspector`. */
  token: string;
  read_only: boolean;
  base_url: string;
  model: string;
  tokenizer: string;
  currency: string;
  /** Milliseconds since the Unix epoch, on the emulator's clock. */
  now: number;
  sessions: number;
  history: number;
}

/** Tokens of a window by what they are for. They add up to what the window may hold. */
export interface Shares {
  tools: number;
  pins: number;
  summary: number;
  messages: number;
  free: number;
}

export interface SessionLine {
  id: string;
  account: string;
  title: string | null;
  model: string;
  version: number;
  created_at: number;
  updated_at: number;
  messages: number;
  tokens: number;
  window: number;
  shares: Shares;
  /** Tokens at which the window was cut last, in place of the policy, which only the client knows. */
  cut_at: number | null;
  cost: number;
  metadata: Record<string, string>;
  forked_from: { snapshot_id: string } | { share_id: string } | null;
}

export interface SnapshotLine {
  id: string;
  session: string;
  account: string;
  name: string | null;
  model: string;
  created_at: number;
  tokens: number;
  messages: number;
}

export interface TimelineItem {
  at: At;
  kind: ChangeKind | 'refusal';
  /** Milliseconds since the Unix epoch. */
  time: number;
  request: number | null;
  version: number | null;
  before: number | null;
  tokens: number | null;
  messages: number | null;
  snapshot: string | null;
  /** What was returned to. */
  restored: At | null;
  /** A snapshot's name, or what a refusal says. */
  note: string | null;
}

export interface Timeline {
  session: SessionLine;
  /** Oldest first. Of moments, those behind the one that was asked for. */
  items: TimelineItem[];
  /** The newest moment. Older than the one that was asked for where the past was forgotten meanwhile, as by a reset. */
  last: number;
  /** Up to which request no more refusals can come; those behind it come again. */
  request: number;
  /** Of the window as it is now, where a message was named: about that one, so that a page need not ask again. */
  page?: WindowPage;
}

/** A message as a list shows it. */
export interface MessageLine {
  /** Place in the window, from 0. */
  index: number;
  /** Place in the history; groups are named by that of their first message. */
  seq: number;
  group: number;
  id: string;
  /** Of one that was dropped, where it is stored. */
  entry?: string;
  role: string;
  tokens: number;
  reasoning_tokens: number;
  pinned: boolean;
  held: boolean;
  truncated: boolean;
  summary: boolean;
  /** The beginning of its text, and how long that is in all. */
  text: string;
  length: number;
  reasoning: string;
  reasoning_length: number;
  calls: { id: string; name: string; arguments: string; length: number }[];
  answers: string | null;
  media: string[];
}

export interface WindowPage {
  at: At;
  model: string;
  version: number | null;
  tokens: number;
  window: number;
  shares: Shares;
  messages: number;
  /** In a row. */
  items: MessageLine[];
}

/** A part of a message's text. */
export interface TextPart {
  text: string;
  length: number;
}

/** Messages in a row that have the same part in a difference. */
export interface DiffRun {
  what: 'kept' | 'cut' | 'changed' | 'added';
  count: number;
  tokens: number;
  /** Where the first of them stands: in the later window, or in the earlier one where they are cut. */
  index: number;
}

export interface Diff {
  a: At;
  b: At;
  totals: Record<DiffRun['what'], { count: number; tokens: number }>;
  runs: DiffRun[];
}

export interface Dropped {
  /** The newest first. */
  items: (MessageLine & { created_at: number })[];
  searched: number;
  /** Whether more may be found. */
  more: boolean;
}

export interface SummaryLine {
  section: string;
  label: string;
  text: string;
  /** Where the message stands that it quotes: a snapshot, and a place in it from 0. */
  snapshot: string | null;
  index: number;
}

export interface SummaryView {
  snapshot: string;
  message: string;
  lines: SummaryLine[];
  /** Pieces of the window that the summary does not quote. */
  dropped: { section: string; kept: number; dropped: number }[];
  pieces: { section: string; text: string; index: number }[];
  more: boolean;
}

export interface RequestLine {
  n: number;
  at: number;
  account: string | null;
  method: string;
  path: string;
  operation: string | null;
  session: string | null;
  status: number;
  code: string | null;
  hint: string | null;
  /** Number of the earlier request that led to it, by the hint. */
  cause: number | null;
  /** Milliseconds that the server took; null where it has not answered. */
  took: number | null;
  tokens: number | null;
  cached: number | null;
  output: number | null;
  cost: number | null;
  faults: readonly string[];
  effect: string;
}

export interface RequestList {
  /** The oldest request that is still remembered. */
  first: number;
  items: RequestLine[];
}

export interface RequestText {
  n: number;
  request: string | null;
  answer: string | null;
  bytes: number;
  /** Whether it can be sent again: its body is known in whole. */
  repeatable: boolean;
}

/** What has changed since the last event. */
export interface LiveEvent {
  changes: number;
  requests: number;
  /** Sessions that have changed, or were refused something. Null where that is not known, or they are many: ask for all. */
  sessions: string[] | null;
  count: number;
  now: number;
  /** Another text wherever another fault is set, or one has acted. */
  faults: string;
}

/** Turns behind the one that was asked for. */
export interface TurnList {
  currency: string;
  /** Number of the oldest turn that is still remembered. */
  first: number;
  turns: TurnCost[];
}
