import type { JournalEntry } from '../journal/describe.ts';
import { isSame, type Run } from './run.ts';

/** A request that was refused, and the one that asked for the same again. */
export interface Repeat {
  refused: JournalEntry;
  again?: JournalEntry;
  /** Whether as long was waited as the refusal said. */
  waited: boolean;
}

/** By how much a timer of the client may be early against the emulator's clock. */
const EARLY_MS = 10;

/**
 * What came again of the requests that `isRefused`, oldest first, in the kindest reading: each request repeats one at most,
 * rather one whose wait was over than one that was still to wait, and rather too early than never.
 * @param waitMs of a refusal, from its request on
 */
export function repeatsOf(
  run: Run,
  isRefused: (entry: JournalEntry) => boolean,
  waitMs: (refused: JournalEntry) => number,
): Repeat[] {
  return run.lives.flatMap((entries) => {
    const taken = new Set<JournalEntry>();
    const repeatOf = (refused: JournalEntry): Repeat => {
      const later = entries.filter((each) => each.n > refused.n && !taken.has(each) && asksAgain(refused, each));
      const waited = later.find((each) => each.at - refused.at >= waitMs(refused) - EARLY_MS);
      const again = waited ?? later[0];
      if (!again) return { refused, waited: false };
      taken.add(again);
      return { refused, again, waited: waited !== undefined };
    };
    // From the last: whatever may repeat it may repeat those before it as well.
    return entries.filter(isRefused).toReversed().map(repeatOf).toReversed();
  });
}

/** A request that was refused before it was read is told by its key or, without one, by what it was for. */
function asksAgain(refused: JournalEntry, later: JournalEntry): boolean {
  const { method, path, account, request, idempotency_key: key } = refused;
  if (later.method !== method || later.path !== path || later.account !== account) return false;
  if (key !== undefined && later.idempotency_key === key) return true;
  return request === undefined ? key === undefined : isSame(refused, later);
}
