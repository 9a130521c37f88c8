import type { Tokenizer } from '../tokens/tokenizer.ts';
import { GAP, labelText, letters } from './labels.ts';
import type { Alias, Layout } from './layouts.ts';
import type { Pacer } from './pacer.ts';
import { renderSummary } from './render.ts';
import type { Section } from './sections.ts';
import { lineKey, snapshotsOf, type Unit } from './unit.ts';

export interface DraftSummaryOptions {
  readonly snapshotId: string;
  /** Ids of earlier snapshots that units refer to. */
  readonly earlier: readonly string[];
  /** How many units there are to choose from. */
  readonly units: number;
  readonly layout: Layout;
  readonly tokenizer: Tokenizer;
}

/**
 * A summary in the making. Knows what each unit would add to it, counted part by part: about the tokens of the whole,
 * mostly a little more.
 */
export class DraftSummary {
  /** Tokens of the parts taken so far. */
  spent: number;
  /** What each section has taken of it. */
  readonly spentOn = new Map<Section, number>();
  /** By their place in the conversation. */
  readonly #chosen: (Unit | undefined)[];
  /** In the order in which they were taken. */
  readonly #taken: { readonly unit: Unit; readonly cost: number }[] = [];
  /** How many units stand on each line, and refer to each earlier snapshot. */
  readonly #lines = new Map<number, number>();
  readonly #snapshots = new Map<number, number>();
  readonly #snapshotId: string;
  readonly #earlier: readonly string[];
  readonly #layout: Layout;
  readonly #tokenizer: Tokenizer;

  constructor({ snapshotId, earlier, units, layout, tokenizer }: DraftSummaryOptions) {
    this.#snapshotId = snapshotId;
    this.#earlier = earlier;
    this.#layout = layout;
    this.#tokenizer = tokenizer;
    this.#chosen = new Array(units);
    this.spent = tokenizer.count(layout.head(snapshotId, []) + layout.foot);
  }

  get size(): number {
    return this.#taken.length;
  }

  /** Whether the unit would continue a line. */
  continuesLine(unit: Unit): boolean {
    return this.#lines.has(lineKey(unit));
  }

  /** Tokens that the unit would add. */
  cost(unit: Unit): number {
    const { inner, line, heading, sectionEnd } = this.#layout;
    const count = (text: string) => this.#tokenizer.count(text);
    if (this.continuesLine(unit)) return count(inner(unit.joint === ' ' ? GAP + unit.text : unit.joint + unit.text));
    let cost = count(line(labelText(unit) + unit.text, false));
    if (!this.spentOn.has(unit.section)) cost += count(heading(unit.section) + sectionEnd);
    for (const snapshot of snapshotsOf(unit)) if (!this.#snapshots.has(snapshot)) cost += this.#aliasCost(snapshot);
    return cost;
  }

  take(unit: Unit, cost: number): void {
    this.#taken.push({ unit, cost });
    this.#chosen[unit.order] = unit;
    this.spent += cost;
    add(this.spentOn, unit.section, cost);
    add(this.#lines, lineKey(unit), 1);
    for (const snapshot of snapshotsOf(unit)) add(this.#snapshots, snapshot, 1);
  }

  /** Gives back the unit taken last. */
  dropLast(): void {
    const last = this.#taken.pop();
    if (last === undefined) return;
    const { unit, cost } = last;
    this.#chosen[unit.order] = undefined;
    this.spent -= cost;
    add(this.spentOn, unit.section, -cost);
    add(this.#lines, lineKey(unit), -1);
    for (const snapshot of snapshotsOf(unit)) add(this.#snapshots, snapshot, -1);
  }

  /** Writes the whole. */
  async render(pacer: Pacer): Promise<string> {
    const head = this.#layout.head(this.#snapshotId, this.#aliases());
    return (await renderSummary(head, this.#chosen, this.#layout, pacer)).trimEnd();
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

/** Adds to a sum, and forgets it when it comes to nothing. */
function add<K>(sums: Map<K, number>, key: K, amount: number): void {
  const sum = (sums.get(key) ?? 0) + amount;
  if (sum === 0) sums.delete(key);
  else sums.set(key, sum);
}
