import type { Tokenizer } from '../tokens/tokenizer.ts';
import { type Candidate, lineKey, type Section, snapshotsOf } from './candidates.ts';
import { type Alias, GAP, type Layout, labelText, letters, renderSummary } from './summary-format.ts';

interface SummaryBuilderOptions {
  readonly snapshotId: string;
  /** Ids of earlier snapshots that candidates refer to. */
  readonly earlier: readonly string[];
  /** How many candidates there are to choose from. */
  readonly candidates: number;
  readonly layout: Layout;
  readonly tokenizer: Tokenizer;
}

/**
 * Collects candidates for a summary within a budget. Knows what each would cost, counted part by part: about the tokens of
 * the whole, mostly a little more.
 */
export class SummaryBuilder {
  /** Tokens of the parts added so far. */
  spent: number;
  /** The tokens of each section. */
  readonly spentOn = new Map<Section, number>();
  /** By their place in the conversation. */
  readonly #chosen: (Candidate | undefined)[];
  /** In the order in which they were added. */
  readonly #added: { readonly candidate: Candidate; readonly cost: number }[] = [];
  /** How many candidates are on each line, and refer to each earlier snapshot. */
  readonly #lines = new Map<number, number>();
  readonly #snapshots = new Map<number, number>();
  readonly #snapshotId: string;
  readonly #earlier: readonly string[];
  readonly #layout: Layout;
  readonly #tokenizer: Tokenizer;

  constructor({ snapshotId, earlier, candidates, layout, tokenizer }: SummaryBuilderOptions) {
    this.#snapshotId = snapshotId;
    this.#earlier = earlier;
    this.#layout = layout;
    this.#tokenizer = tokenizer;
    this.#chosen = new Array(candidates);
    this.spent = tokenizer.count(layout.head(snapshotId, []) + layout.foot);
  }

  get size(): number {
    return this.#added.length;
  }

  /** Whether the candidate would continue a line. */
  continuesLine(candidate: Candidate): boolean {
    return this.#lines.has(lineKey(candidate));
  }

  /** Tokens that the candidate would add. */
  cost(candidate: Candidate): number {
    const { inner, line, heading, sectionEnd } = this.#layout;
    const count = (text: string) => this.#tokenizer.count(text);
    if (this.continuesLine(candidate))
      return count(
        inner((candidate.joint === ' ' || candidate.joint === '\n' ? GAP : candidate.joint) + candidate.text),
      );
    let cost = count(line(labelText(candidate) + candidate.text, false));
    if (!this.spentOn.has(candidate.section)) cost += count(heading(candidate.section) + sectionEnd);
    for (const snapshot of snapshotsOf(candidate))
      if (!this.#snapshots.has(snapshot)) cost += this.#aliasCost(snapshot);
    return cost;
  }

  add(candidate: Candidate, cost: number): void {
    this.#added.push({ candidate, cost });
    this.#chosen[candidate.order] = candidate;
    this.spent += cost;
    addTo(this.spentOn, candidate.section, cost);
    addTo(this.#lines, lineKey(candidate), 1);
    for (const snapshot of snapshotsOf(candidate)) addTo(this.#snapshots, snapshot, 1);
  }

  /** Removes the candidate added last. */
  removeLast(): void {
    const last = this.#added.pop();
    if (last === undefined) return;
    const { candidate, cost } = last;
    this.#chosen[candidate.order] = undefined;
    this.spent -= cost;
    addTo(this.spentOn, candidate.section, -cost);
    addTo(this.#lines, lineKey(candidate), -1);
    for (const snapshot of snapshotsOf(candidate)) addTo(this.#snapshots, snapshot, -1);
  }

  /** Writes the whole. */
  async render(): Promise<string> {
    const head = this.#layout.head(this.#snapshotId, this.#aliases());
    return (await renderSummary(head, this.#chosen, this.#layout)).trimEnd();
  }

  #aliases(): Alias[] {
    return this.#earlier
      .map((snapshotId, index) => ({ letters: letters(index), snapshotId, index }))
      .filter(({ index }) => this.#snapshots.has(index));
  }

  #aliasCost(snapshot: number): number {
    const alias = { letters: letters(snapshot), snapshotId: this.#earlier[snapshot] ?? '' };
    const count = (text: string) => this.#tokenizer.count(text);
    const first =
      this.#snapshots.size === 0 ? count(this.#layout.head('', [alias])) - count(this.#layout.head('', [])) : 0;
    return Math.max(first, count(this.#layout.alias(alias)));
  }
}

/** Adds to a sum, and deletes it once it is 0. */
function addTo<K>(sums: Map<K, number>, key: K, amount: number): void {
  const sum = (sums.get(key) ?? 0) + amount;
  if (sum === 0) sums.delete(key);
  else sums.set(key, sum);
}
