import type { View } from '../store/history-rows.ts';
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

/** Reads places of a segment in their order: those from one to another, so many at most. */
export type ReadPlaces<Place> = (segment: number, from: number, to: number, limit: number) => Place[];

/** Places read at once: a millisecond of work. */
const PLACES_A_STEP = 100;

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

  /** The segments on the way to each window, its root first; windows that end in the same segment have one way. */
  paths(): Iterable<readonly number[]> {
    return this.#paths.values();
  }

  /** Behind which place of its parent's history a segment begins. */
  parentSeq(segment: number): number {
    return (this.#shown.get(segment)?.from ?? 1) - 1;
  }

  /** What is shown of a segment, a step at a time. */
  *places<Place extends { seq: number; held: boolean }>(
    segment: number,
    read: ReadPlaces<Place>,
  ): Generator<readonly Place[]> {
    const shown = this.#shown.get(segment);
    if (!shown) return;
    const runs = merged(shown.runs);
    let run = 0;
    for (let from = 1; from <= shown.to; ) {
      const found = read(segment, from, shown.to, PLACES_A_STEP);
      const last = found.at(-1);
      if (!last) return;
      yield found.filter(({ seq, held }) => {
        while ((runs[run]?.[1] ?? Number.POSITIVE_INFINITY) < seq) run += 1;
        return held || (runs[run]?.[0] ?? Number.POSITIVE_INFINITY) <= seq;
      });
      from = last.seq + 1;
    }
  }

  #show({ segment, from, to }: Span, floor: number): void {
    const shown = this.#shown.get(segment) ?? { segment, from, to, runs: [] };
    this.#shown.set(segment, shown);
    shown.to = Math.max(shown.to, to);
    if (to >= floor) shown.runs.push([Math.max(from, floor), to]);
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
