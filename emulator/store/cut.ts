import type { History } from './history.ts';
import { freeTokensBefore, type View } from './history-rows.ts';

/**
 * Where a window has to begin so that its messages, held ones included, take at most `budget` tokens: the oldest group
 * that may stay. A few index look-ups, whatever the window's size.
 * @returns undefined where not even the newest group fits
 */
export function findCut(history: History, view: View, budget: number): number | undefined {
  const last = history.last(view);
  if (!last || view.tokens <= budget) return view.floor;
  const tokensFrom = (seq: number): number => {
    const entry = history.entry(view, seq);
    return entry ? last.totalTokens - freeTokensBefore(entry) : 0;
  };
  if (tokensFrom(last.group) > budget) return undefined;
  let tooLong = view.floor;
  let fits = last.group;
  while (fits - tooLong > 1) {
    const middle = (tooLong + fits) >>> 1;
    if (tokensFrom(middle) > budget) tooLong = middle;
    else fits = middle;
  }
  while (fits < last.group && history.entry(view, fits)?.group !== fits) fits += 1;
  return fits;
}
