import type { StoredMessage, View } from '../store/history-rows.ts';
import type { Segments, Span } from '../store/segments.ts';

type Run = [from: number, to: number];

/** What is shown of one segment. */
interface Shown {
  segment: number;
  from: number;
  /** The last place that any window sees. */
  to: number;
  /** Stretches that windows show whole; before their floor they show held entries only. */
  runs: Run[];
}

/** A segment as it is exported. */
export interface VisibleSegment {
  parent: number | null;
  parentSeq: number;
  entries: StoredMessage[];
}

/**
 * The parts of the segments that windows show, numbered in the order in which windows come to them, parents first: the same
 * windows give the same numbers, whatever the collector has removed and whatever the segments are called here.
 */
export class VisibleSegments {
  readonly #segments: Segments;
  readonly #shown = new Map<number, Shown>();
  readonly #paths = new Map<number, readonly number[]>();

  constructor(segments: Segments) {
    this.#segments = segments;
  }

  add(view: View): void {
    const path = [...this.#segments.spans(view, 1)].reverse();
    for (const span of path) this.#show(span, view.floor);
    const last = path.at(-1);
    if (last && !this.#paths.has(last.segment))
      this.#paths.set(
        last.segment,
        path.map(({ segment }) => segment),
      );
  }

  /** Where a window ends: the segment that holds its last entry. Null for an empty one. */
  segmentOf(view: View): number | null {
    const [last] = this.#segments.spans(view, Math.max(1, view.head));
    return last?.segment ?? null;
  }

  /** Reads what is shown. @returns the segments with their numbers */
  read(entriesOf: (segment: number, to: number) => StoredMessage[]): Map<number, VisibleSegment> {
    const found = new Map<number, VisibleSegment>();
    for (const path of this.#paths.values()) {
      let parent: number | null = null;
      for (const segment of path) {
        if (!found.has(segment)) {
          const read = this.#read(segment, parent, entriesOf);
          // What lies before the first entry that is still seen is as good as gone.
          if (read.entries.length === 0 && parent === null) continue;
          found.set(segment, read);
        }
        parent = segment;
      }
    }
    return found;
  }

  #show({ segment, from, to }: Span, floor: number): void {
    const shown = this.#shown.get(segment) ?? { segment, from, to, runs: [] };
    this.#shown.set(segment, shown);
    shown.to = Math.max(shown.to, to);
    if (to >= floor) shown.runs.push([Math.max(from, floor), to]);
  }

  #read(
    segment: number,
    parent: number | null,
    entriesOf: (segment: number, to: number) => StoredMessage[],
  ): VisibleSegment {
    const shown = this.#shown.get(segment) ?? { segment, from: 1, to: 0, runs: [] };
    const runs = merged(shown.runs);
    let place = 0;
    const entries = entriesOf(segment, shown.to).filter(({ seq, held }) => {
      while ((runs[place]?.[1] ?? Number.POSITIVE_INFINITY) < seq) place += 1;
      return held || (runs[place]?.[0] ?? Number.POSITIVE_INFINITY) <= seq;
    });
    return { parent, parentSeq: shown.from - 1, entries };
  }
}

/** The same stretches, in order, none touching another. */
function merged(runs: readonly Run[]): Run[] {
  const found: Run[] = [];
  for (const [from, to] of runs.toSorted((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}
