import type { PortableRows } from '../store/portable-rows.ts';
import type { Store } from '../store/store.ts';
import type { CheckedState } from './check-state.ts';

/** Entries written in one transaction: a few milliseconds of work. */
const ENTRIES_A_STEP = 100;

/**
 * Writes the histories of a state file, which no window shows yet. Work in slices, a transaction a step. All of it is marked for
 * the collector, who is to be held meanwhile: should it come to nothing, even by a kill, it is removed.
 * @returns the segments' ids, in the order of the file
 */
export function* writeHistories(store: Store, { state, histories }: CheckedState): Generator<void, number[]> {
  const { segments } = store.history;
  const messages = new Messages(store.portableRows(), state.messages);
  const ids: number[] = [];
  for (const [index, { parent, parent_seq }] of state.segments.entries()) {
    const segment = store.transaction(() => {
      const made = segments.graft(parent === null ? null : (ids[parent] ?? null), parent_seq, 1);
      store.collector.touch(made);
      return made;
    });
    ids.push(segment);
    const entries = histories.laid(index);
    for (let from = 0; from < entries.length; from += ENTRIES_A_STEP) {
      store.transaction(() => messages.place(segment, entries.slice(from, from + ENTRIES_A_STEP)));
      yield;
    }
  }
  return ids;
}

type Entries = ReturnType<CheckedState['histories']['laid']>;

/** Messages are written with the first entry that shows them, so that what removes the entry removes them. */
class Messages {
  readonly #rows: PortableRows;
  readonly #messages: CheckedState['state']['messages'];
  readonly #ids: number[] = [];

  constructor(rows: PortableRows, messages: CheckedState['state']['messages']) {
    this.#rows = rows;
    this.#messages = messages;
  }

  place(segment: number, entries: Entries): void {
    for (const entry of entries) {
      const calls = 'tool_calls' in entry.body || 'tool_call_id' in entry.body;
      this.#rows.insertEntry(segment, { ...entry, message: this.#write(entry.message), calls });
    }
  }

  #write(number: number): number {
    const known = this.#ids[number];
    if (known !== undefined) return known;
    const message = this.#messages[number];
    if (!message) throw new RangeError(`there is no message number ${number}`);
    const { id, created_at, truncated, summary, body } = message;
    const written = this.#rows.insertMessage({ id, createdAt: created_at, truncated, summary, body });
    this.#ids[number] = written;
    return written;
  }
}
