import type { CompressFormat, SessionCompression } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import type { compress } from '../engines/compression/compress.ts';
import { yieldIfOver } from '../engines/scheduler.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import { asNewEntry, keepDropped, type NewEntry, type StoredMessage, tokensOf } from '../store/entries.ts';
import { findCut, readWindow } from '../store/history.ts';
import type { SessionRow } from '../store/sessions.ts';
import { pair } from './append.ts';
import { saveSession, toUsage, writtenMessages } from './session.ts';
import { requireRoomForSnapshot } from './snapshots.ts';
import { requirePreserveLen } from './truncate.ts';
import { bodyOf } from './write.ts';

/** Less than this is not worth a summary: the request then succeeds and changes nothing. */
const LEAST_REPLACEABLE_TOKENS = 64;

interface Compression {
  ratio: number;
  format: CompressFormat;
  preserve_len?: number | undefined;
  dry_run?: boolean | undefined;
}

/** A compression worked out and not yet carried out. */
interface CompressionPlan {
  session: SessionRow;
  request: Compression;
  /** Undefined where there is nothing to compress. */
  summary?: { entries: NewEntry[]; written: NewEntry; snapshotId: string; droppedReasoning: number };
}

interface Parts {
  leading: StoredMessage[];
  replaced: StoredMessage[];
  kept: StoredMessage[];
}

export type MakeSummary = typeof compress;

/** What writes a summary in place of the compression engine. */
export interface SummaryWriter {
  /** Whether the summary is its own. */
  readonly hasWritten: boolean;
  summarise(session: SessionRow): MakeSummary;
}

/** Makes the summary. Loaded when first asked for, so that it does not delay the server's first answer. */
const summarise: MakeSummary = async (...request) =>
  (await import('../engines/compression/compress.ts')).compress(...request);

/**
 * Plans the summary, in slices. Reads only; the caller holds the session.
 * @param makeSummary what makes the text, for a caller that remembers it
 * @throws ApiError `tool_call_unanswered`, `preserve_len_too_small`, `compress_infeasible`, `snapshot_limit_reached`
 */
export async function planCompression(
  services: Services,
  session: SessionRow,
  request: Compression,
  makeSummary = summarise,
): Promise<CompressionPlan> {
  const { store, ids, clock } = services;
  const counter = await services.profiles.of(session.model).counter();
  if (request.preserve_len !== undefined) requirePreserveLen(services, request.preserve_len);
  requireAnswered(store.history.newestGroup(session.view));
  const window = await readWindow(store.history, session.view);
  await yieldIfOver();
  const { leading, replaced, kept } = divide(services, session, window, request.preserve_len);
  await yieldIfOver();
  const { keptAfter } = store.history.reasoning(session.view);
  const droppedReasoning = replaced.reduce((sum, { reasoning }) => sum + reasoning, 0);
  const promptReasoning = replaced.reduce((sum, { seq, reasoning }) => sum + (seq > keptAfter ? reasoning : 0), 0);
  const staying = keepDropped(kept, keptAfter);
  const replaceable = replaced.reduce((sum, { tokens }) => sum + tokens, promptReasoning);
  if (replaceable < LEAST_REPLACEABLE_TOKENS) return { session, request };
  const { total_tokens: before, tools_tokens } = toUsage(services, session);
  const { tokens: frame } = await counter.message({ role: 'system', content: '' });
  const stayingTokens = tools_tokens + tokensOf([...leading, ...staying]) + frame;
  // The summary names its snapshot. The same attempt gets the same id, so that a rehearsal, and the ratio that a refusal
  // names, hold for what is done next.
  const attempt = `${session.id} ${session.version}`;
  const snapshotId = ids('snapshot', attempt);
  await yieldIfOver();
  const places = new Map<StoredMessage, number>();
  for (const message of window) places.set(message, places.size + 1);
  await yieldIfOver();
  const messages = replaced.map((message) => ({
    ref: places.get(message) ?? 0,
    message: message.body,
    summary: message.summary,
  }));
  await yieldIfOver();
  const summary = await makeSummary(
    {
      messages,
      format: request.format,
      snapshotId,
      maxTokens: Math.floor(before / request.ratio) - stayingTokens,
    },
    counter.tokenizer,
  );
  if ('infeasible' in summary) throw infeasible(before, stayingTokens + summary.smallestTokens);
  if (!request.dry_run) requireRoomForSnapshot(services, session.account);
  const body = { role: 'system' as const, content: summary.content };
  const message = { id: ids('message', attempt), body, truncated: false, summary: true, createdAt: unixSeconds(clock) };
  const size = { tokens: summary.tokens + frame, reasoning: 0, border: false };
  const written: NewEntry = { message, ...size, pinned: false, held: false, opensGroup: true };
  const entries = [...leading.map(asNewEntry), written, ...staying.map(asNewEntry)];
  return { session, request, summary: { entries, written, snapshotId, droppedReasoning } };
}

/** Carries a plan out, in the caller's transaction: a snapshot of the state before, then the window anew. */
export function applyCompression(
  services: Services,
  { session, request, summary }: CompressionPlan,
): { session: SessionRow; result: SessionCompression } {
  const { store } = services;
  const before = toUsage(services, session);
  const { ratio, format, dry_run = false } = request;
  const rewrite = () => (summary ? store.history.rewrite(summary.entries) : session.view);
  const view = dry_run ? store.rehearse(rewrite) : rewrite();
  const after = toUsage(services, { ...session, view });
  const carriedOut = summary && !dry_run;
  if (carriedOut) insertSnapshotBefore(services, session, summary.snapshotId);
  const next = carriedOut ? saveSession(services, session, { view }) : session;
  const result: SessionCompression = {
    object: 'session.compression',
    session_id: session.id,
    format,
    ratio: { requested: ratio, achieved: summary ? before.total_tokens / after.total_tokens : 1 },
    before,
    after,
    summary: (summary && writtenMessages(session.id, [summary.written])[0]) ?? null,
    snapshot_id: carriedOut ? summary.snapshotId : null,
    ...(summary && summary.droppedReasoning > 0 && { dropped_reasoning_tokens: summary.droppedReasoning }),
    version: next.version,
    dry_run,
  };
  return { session: next, result };
}

function insertSnapshotBefore({ store, clock }: Services, session: SessionRow, id: string): void {
  store.snapshots.insert({
    id,
    account: session.account,
    sessionId: session.id,
    model: session.model,
    name: null,
    metadata: {},
    toolset: session.toolset,
    calls: session.calls,
    preserveLen: null,
    createdAt: unixSeconds(clock),
    archived: session.view,
    restored: session.view,
  });
}

/** What stays ahead of the summary, what it replaces, and what stays behind it: held messages and the newest groups. */
function divide(
  { store }: Services,
  { view, toolset }: SessionRow,
  window: readonly StoredMessage[],
  preserveLen: number | undefined,
): Parts {
  const run =
    preserveLen === undefined ? undefined : findCut(store.history, view, preserveLen - store.toolsets.tokens(toolset));
  const leads = window.findIndex((message) => !(message.held && message.body.role === 'system'));
  const border = leads === -1 ? window.length : leads;
  const rest = window.slice(border);
  const stays = (message: StoredMessage) => message.held || (run !== undefined && message.seq >= run);
  return {
    leading: window.slice(0, border),
    replaced: rest.filter((message) => !stays(message)),
    kept: rest.filter(stays),
  };
}

function requireAnswered(newest: readonly StoredMessage[]): void {
  const pairing = pair([], newest.map(bodyOf));
  if ('open' in pairing && pairing.open.length > 0) {
    throw new ApiError('tool_call_unanswered', { ids: pairing.open });
  }
}

function infeasible(before: number, least: number): ApiError {
  const largest = Math.floor((100 * before) / least) / 100;
  return new ApiError('compress_infeasible', { least, largestRatio: largest > 1 ? largest : undefined });
}

export function compressedFacts({
  before,
  after,
  snapshot_id,
}: SessionCompression): NonNullable<JournalEffects['compressed']> {
  const totals = { before: before.total_tokens, total: after.total_tokens };
  return snapshot_id === null ? totals : { ...totals, snapshot: snapshot_id };
}
