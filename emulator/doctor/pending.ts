import type { JournalEntry } from '../journal/describe.ts';

/** What was begun and never ended, by name. A name that comes again, as a seed's do behind a reset, is ended for its last beginning. */
export class Pending {
  readonly #begun = new Map<string, JournalEntry[]>();

  begin(name: string, entry: JournalEntry): void {
    this.#begun.set(name, [...(this.#begun.get(name) ?? []), entry]);
  }

  end(name: string): void {
    this.#begun.get(name)?.pop();
  }

  /** Ends whatever has a name that begins so. */
  endAll(prefix: string): void {
    for (const name of this.#begun.keys()) if (name.startsWith(prefix)) this.end(name);
  }

  /** Oldest first. */
  get left(): JournalEntry[] {
    return [...this.#begun.values()].flat().toSorted((a, b) => a.n - b.n);
  }
}
