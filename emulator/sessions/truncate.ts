import type { SessionTruncation, TruncateRequest } from '../../contract/sessions.ts';
import { ApiError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { View } from '../store/entries.ts';
import { findCut } from '../store/history.ts';
import type { SessionRow } from '../store/sessions.ts';
import { changed } from './append.ts';
import { cutEntries } from './cut-texts.ts';
import { toUsage } from './objects.ts';
import type { PreparedCuts } from './prepared-cuts.ts';

/** Cuts the head of the window. Nothing to cut is a success that changes nothing. */
export function truncate(
  services: Services,
  cuts: PreparedCuts,
  session: SessionRow,
  { preserve_len, dry_run = false }: TruncateRequest,
): { session: SessionRow; result: SessionTruncation } {
  const before = toUsage(services, session);
  const plan = () => keepWithin(services, cuts, session, preserve_len);
  const view = dry_run ? services.store.rehearse(plan) : plan();
  const next = view !== session.view && !dry_run ? changed(services, session, { view }) : session;
  const after = toUsage(services, { ...session, view });
  const result: SessionTruncation = {
    object: 'session.truncation',
    session_id: session.id,
    preserve_len,
    removed: { messages: before.messages - after.messages, tokens: before.total_tokens - after.total_tokens },
    before,
    after,
    version: next.version,
    dry_run,
  };
  return { session: next, result };
}

/**
 * What truncate keeps of a window: tools, held messages, and the longest run of newest groups within `preserveLen`. If
 * not even the newest group fits, its texts are cut at the head. The same view where nothing has to go.
 * @throws ApiError `preserve_len_too_small`, naming the least that would do; CutMissing
 */
export function keepWithin(
  services: Services,
  cuts: PreparedCuts,
  { view, toolset }: Pick<SessionRow, 'view' | 'toolset'>,
  preserveLen: number,
): View {
  requirePreserveLen(services, preserveLen);
  const { history, toolsets } = services.store;
  const tools = toolsets.tokens(toolset);
  const budget = preserveLen - tools;
  const floor = view.messages === 0 && budget < 0 ? undefined : findCut(history, view, budget);
  if (floor === view.floor) return view;
  if (floor !== undefined) return history.measure({ ...view, floor });
  const newest = history.newestGroup(view);
  const groupTokens = newest.reduce((sum, message) => sum + message.tokens, 0);
  const first = newest[0];
  const others = first ? history.measure({ ...view, floor: first.seq }).tokens - groupTokens : 0;
  const cut = cuts.newestGroup(newest, budget - others);
  if (!first || 'least' in cut) {
    const least = tools + others + ('least' in cut ? cut.least : 0);
    throw new ApiError('preserve_len_too_small', { least });
  }
  return history.replaceTail(view, first.seq, cutEntries(newest, cut), first.seq);
}

/** @throws ApiError `preserve_len_too_small` */
export function requirePreserveLen({ limits }: Services, preserveLen: number): void {
  if (preserveLen >= limits.min_preserve_tokens) return;
  throw new ApiError('preserve_len_too_small', { least: limits.min_preserve_tokens, asked: preserveLen });
}
