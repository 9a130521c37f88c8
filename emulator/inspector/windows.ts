import { setImmediate as nextTick } from 'node:timers/promises';
import { contentText } from '../../contract/messages.ts';
import { ApiError, invalid } from '../api-error.ts';
import type { Services } from '../services.ts';
import { referenceOf } from '../sessions/media.ts';
import { containsWords, wordsOf } from '../sessions/messages.ts';
import type { StoredMessage, View } from '../store/entries.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { At, Diff, DiffRun, Dropped, MessageLine, Shares, TextPart, WindowPage } from './answers.ts';

/** Characters of a text in a list, and in one part of it. */
const PREVIEW = 600;
const PART = 65_536;
/** Places that are read at a time. */
const SLICE = 500;

/** A window as it is or was. */
export interface ShownWindow {
  at: At;
  view: View;
  model: string;
  toolset: number | null;
  version: number | null;
}

/** Whose windows are looked at: a session, or a snapshot, of which the session may be gone. */
export type Subject = Pick<SessionRow, 'id' | 'account' | 'model' | 'view' | 'toolset'> & { version: number | null };

/** What a session's or a snapshot's id names, of whatever account. */
export function subjectOf({ store }: Pick<Services, 'store'>, id: string): Subject | undefined {
  const rows = store.portableRows();
  const [named] = rows.sessions(id);
  if (named) return store.sessions.find(named.account, id);
  const taken = rows.snapshot(id);
  const snapshot = taken && store.snapshots.find(taken.account, id);
  return snapshot && { ...snapshot, id: snapshot.sessionId, view: snapshot.archived, version: null };
}

/** @throws ApiError where there is no such moment any more, or no such snapshot */
export function windowAt({ store }: Pick<Services, 'store'>, session: Subject, at: At): ShownWindow {
  if (at === 'now') return { ...session, at };
  if (/^\d+$/.test(at)) {
    const moment = store.past.of(session.id).find(({ n }) => String(n) === at);
    if (!moment) throw invalid(`the session's past has no moment ${at} any more; see --history`, 'at');
    return { ...moment, at };
  }
  const other = subjectOf({ store }, at);
  if (!other) throw new ApiError('snapshot_not_found', { snapshot: at, param: 'at' });
  return { ...other, at };
}

/** Pinned messages that may stand before a summary. */
const MOST_BEFORE_SUMMARY = 16;

/** What a window's tokens are for. */
export function sharesOf(
  { store, profiles }: Pick<Services, 'store' | 'profiles'>,
  { model, view, toolset }: Pick<ShownWindow, 'model' | 'view' | 'toolset'>,
): Shares {
  const tools = store.toolsets.tokens(toolset);
  const last = store.history.last(view);
  // A summary stands at the start of its window, behind pins.
  const limit = Math.min(last?.heldMessages ?? 0, MOST_BEFORE_SUMMARY) + 1;
  const first = store.history.page(view, { order: 'asc', limit });
  const summary = first.find((message) => message.summary && !message.held)?.tokens ?? 0;
  const pins = last?.heldTokens ?? 0;
  return {
    tools,
    pins,
    summary,
    messages: Math.max(0, view.tokens - pins - summary),
    free: Math.max(0, profiles.of(model).limits.window_tokens - tools - view.tokens),
  };
}

export function pageOf(
  services: Services,
  shown: ShownWindow,
  { from, limit, shares = sharesOf(services, shown) }: { from: number; limit: number; shares?: Shares },
): WindowPage {
  const { store, profiles } = services;
  const { view, at, model, version, toolset } = shown;
  const { keptAfter } = store.history.reasoning(view);
  return {
    at,
    model,
    version,
    tokens: store.toolsets.tokens(toolset) + view.tokens,
    window: profiles.of(model).limits.window_tokens,
    shares,
    messages: view.messages,
    items: readAt(services, view, from, limit).map((message, place) => toLine(message, from + place, keptAfter)),
  };
}

/** Messages by their place in the window: pins before its start come first, all others stand in a row. */
export function readAt({ store }: Pick<Services, 'store'>, view: View, from: number, limit: number): StoredMessage[] {
  const pins = view.messages - (view.head === 0 ? 0 : view.head - view.floor + 1);
  if (from >= pins) return store.history.page(view, { after: view.floor + from - pins - 1, order: 'asc', limit });
  return store.history.page(view, { order: 'asc', limit: from + limit }).slice(from);
}

function toLine(message: StoredMessage, index: number, keptAfter: number): MessageLine {
  const { body, tokens, reasoning, seq } = message;
  const { role, content, reasoning_content = '', tool_calls = [], tool_call_id = null } = body;
  const text = contentText(content);
  return {
    index,
    seq,
    group: message.group,
    id: message.id,
    role,
    tokens: tokens + (seq > keptAfter ? reasoning : 0),
    reasoning_tokens: reasoning,
    pinned: message.pinned,
    held: message.held,
    truncated: message.truncated,
    summary: message.summary,
    text: beginning(text),
    length: text.length,
    reasoning: beginning(reasoning_content),
    reasoning_length: reasoning_content.length,
    calls: tool_calls.map(({ id, function: { name, arguments: given } }) => ({
      id,
      name,
      arguments: beginning(given),
      length: given.length,
    })),
    answers: tool_call_id,
    media: Array.isArray(content) ? content.flatMap((part) => (part.type === 'text' ? [] : [mediaOf(part)])) : [],
  };
}

function mediaOf(part: Parameters<typeof referenceOf>[0]): string {
  const reference = referenceOf(part);
  return reference ? `${part.type} ${reference.head.replace(/;base64,$/, '')}` : part.type;
}

function beginning(text: string): string {
  return text.slice(0, PREVIEW).toWellFormed();
}

/** A message that is in no window any more, by its segment and its place there. */
function readEntry({ store }: Pick<Services, 'store'>, entry: string): StoredMessage | undefined {
  const [segment = 0, place = 0] = entry.split('.').map(Number);
  return store.portableRows().entries(segment, place, place, 1)[0];
}

/** @param field `text`, `reasoning`, or the place of a tool call; `entry`: in place of an index, of a message that was dropped */
export function textPart(
  services: Services,
  shown: ShownWindow,
  { index, field, from, entry }: { index: number; field: string; from: number; entry?: string },
): TextPart {
  const message = entry === undefined ? readAt(services, shown.view, index, 1)[0] : readEntry(services, entry);
  if (!message) throw invalid(`the window has no message ${index}`, 'index');
  const { content, reasoning_content = '', tool_calls = [] } = message.body;
  const named = new Map([
    ['text', contentText(content)],
    ['reasoning', reasoning_content],
  ]);
  const text = named.get(field) ?? tool_calls[Number(field)]?.function.arguments ?? '';
  return { text: text.slice(from, from + PART).toWellFormed(), length: text.length };
}

interface Outline {
  id: string;
  message: number;
  pinned: boolean;
  tokens: number;
}

async function outlineOf({ store }: Pick<Services, 'store'>, view: View): Promise<Outline[]> {
  const found: Outline[] = [];
  for (let after = 0; ; await nextTick()) {
    const slice = store.history.page(view, { after, order: 'asc', limit: SLICE });
    for (const { id, message, pinned, tokens } of slice) found.push({ id, message, pinned, tokens });
    const last = slice.at(-1);
    if (!last || slice.length < SLICE) return found;
    after = last.seq;
  }
}

/** What became of the messages of one window in another. A message that was cut or pinned keeps its id. */
export async function difference(services: Services, a: ShownWindow, b: ShownWindow): Promise<Diff> {
  const [before, after] = [await outlineOf(services, a.view), await outlineOf(services, b.view)];
  const places = new Map(after.map(({ id }, place) => [id, place]));
  const known = new Map(before.map((entry) => [entry.id, entry]));
  const runs: DiffRun[] = [];
  const add = (what: DiffRun['what'], index: number, tokens: number) => {
    const last = runs.at(-1);
    if (last?.what === what && last.index + last.count === index) {
      last.count += 1;
      last.tokens += tokens;
    } else runs.push({ what, count: 1, tokens, index });
  };
  let next = 0;
  const addUntil = (end: number) => {
    for (; next < end; next += 1) {
      const entry = after[next];
      const old = entry && known.get(entry.id);
      if (!entry) continue;
      const same = old?.message === entry.message && old.pinned === entry.pinned;
      add(old ? (same ? 'kept' : 'changed') : 'added', next, entry.tokens);
    }
  };
  for (const [place, { id, tokens }] of before.entries()) {
    const now = places.get(id);
    if (now === undefined) add('cut', place, tokens);
    else addUntil(Math.max(next, now + 1));
  }
  addUntil(after.length);
  const totals = { kept: none(), cut: none(), changed: none(), added: none() };
  for (const { what, count, tokens } of runs) {
    totals[what].count += count;
    totals[what].tokens += tokens;
  }
  return { a: a.at, b: b.at, totals, runs };
}

const none = () => ({ count: 0, tokens: 0 });

const MOST_FOUND = 100;

/**
 * Messages that the session once had, and that its window at a moment has not, by the words in them. Each stretch of the
 * history is read once, whatever number of moments show it.
 */
export async function searchDropped(
  { store }: Pick<Services, 'store'>,
  session: Subject,
  shown: ShownWindow,
  query: string,
): Promise<Dropped> {
  const words = wordsOf(query);
  const present = new Set((await outlineOf({ store }, shown.view)).map(({ id }) => id));
  const snapshots = store.snapshots.page({
    account: session.account,
    sessionId: session.id,
    order: 'asc',
    limit: SLICE,
  });
  const views = [...snapshots.map(({ archived }) => archived), ...store.past.of(session.id).map(({ view }) => view)];
  const spans = new Map<number, { from: number; to: number }>();
  for (const view of views) {
    for (const { segment, from, to } of store.history.segments.spans(view, 1)) {
      const known = spans.get(segment);
      const start = Math.max(from, Math.min(view.floor, to));
      spans.set(segment, { from: Math.min(known?.from ?? start, start), to: Math.max(known?.to ?? to, to) });
    }
  }
  const rows = store.portableRows();
  const found = new Map<string, { message: StoredMessage; segment: number }>();
  let searched = 0;
  for (const [segment, { from, to }] of spans) {
    for (let start = from; start <= to; await nextTick()) {
      const slice = rows.entries(segment, start, to, SLICE);
      for (const message of slice) {
        if (present.has(message.id) || found.has(message.id)) continue;
        searched += 1;
        if (containsWords(message, words)) found.set(message.id, { message, segment });
      }
      const last = slice.at(-1);
      if (!last || slice.length < SLICE) break;
      start = last.seq + 1;
    }
  }
  const newest = [...found.values()].toSorted(
    ({ message: a }, { message: b }) => b.createdAt - a.createdAt || b.seq - a.seq,
  );
  const items = newest.slice(0, MOST_FOUND).map(({ message, segment }) => ({
    ...toLine(message, -1, 0),
    entry: `${segment}.${message.seq}`,
    created_at: message.createdAt,
  }));
  return { items, searched, more: newest.length > MOST_FOUND };
}
