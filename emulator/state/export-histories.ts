import type { StoredMessage, View } from '../store/history-rows.ts';
import type { PortableRows } from '../store/portable-rows.ts';
import type { PortableEntry, PortableMessage, PortableWindow } from './schema.ts';
import type { VisibleSegments } from './visible-segments.ts';

/**
 * The messages and segments that windows show, numbered in the order in which windows come to them, a step at a time. To be
 * asked for messages, then segments, then windows: each knows the numbers of what came before.
 */
export class ExportedHistories {
  readonly #visible: VisibleSegments;
  readonly #rows: PortableRows;
  readonly #messages = new Map<number, number>();
  /** Numbers of segments, in their order. */
  readonly #segments = new Map<number, number>();
  readonly #parents = new Map<number, number | null>();

  constructor(visible: VisibleSegments, rows: PortableRows) {
    this.#visible = visible;
    this.#rows = rows;
  }

  *messages(): Generator<PortableMessage[]> {
    for (const path of this.#visible.paths()) {
      let parent: number | null = null;
      for (const segment of path) {
        if (!this.#segments.has(segment)) {
          let seen = 0;
          for (const places of this.#visible.places(segment, (...range) => this.#rows.entries(...range))) {
            seen += places.length;
            yield this.#newOf(places);
          }
          // What lies before the first entry that is still seen is as good as gone.
          if (seen === 0 && parent === null) continue;
          this.#parents.set(segment, parent === null ? null : (this.#segments.get(parent) ?? null));
          this.#segments.set(segment, this.#segments.size);
        }
        parent = segment;
      }
    }
  }

  /** As texts that follow one another. */
  *segments(): Generator<string> {
    for (const [segment, number] of this.#segments) {
      const parent = this.#parents.get(segment) ?? null;
      yield `${number === 0 ? '' : ','}{"parent":${parent},"parent_seq":${this.#visible.parentSeq(segment)},"entries":[`;
      let comma = '';
      for (const places of this.#visible.places(segment, (...range) => this.#rows.places(...range))) {
        const entries = places.map(({ seq, message, tokens, group, pinned, held }): PortableEntry => {
          return { seq, message: this.#messages.get(message) ?? 0, tokens, group, pinned, held };
        });
        if (entries.length === 0) continue;
        yield comma + entries.map((entry) => JSON.stringify(entry)).join();
        comma = ',';
      }
      yield ']}';
    }
  }

  windowOf(view: View): PortableWindow {
    const { head, floor, tokens, messages } = view;
    const segment = this.#visible.segmentOf(view);
    return { segment: segment === null ? null : (this.#segments.get(segment) ?? null), head, floor, tokens, messages };
  }

  #newOf(places: readonly StoredMessage[]): PortableMessage[] {
    return places.flatMap(({ message, id, createdAt, truncated, summary, body }) => {
      if (this.#messages.has(message)) return [];
      this.#messages.set(message, this.#messages.size);
      return { id, created_at: createdAt, truncated, summary, body: body as PortableMessage['body'] };
    });
  }
}
