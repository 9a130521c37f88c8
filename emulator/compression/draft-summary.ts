import type { Tokenizer } from '../tokens/tokenizer.ts';
import { GAP, labelText, letters } from './labels.ts';
import type { Alias, Layout } from './layouts.ts';
import type { Pacer } from './pacer.ts';
import { renderSummary } from './render.ts';
import type { Section } from './sections.ts';
import { lineKey, snapshotsOf, type Unit } from './unit.ts';

/**
 * A summary in the making. Knows what each unit would add to it, counted part by part: about the tokens of the whole, mostly a little more.
 */
export class DraftSummary {
  /** Tokens of the parts taken so far. */
  spent: number;
  /** What each section has taken of it. */
  readonly spentOn = new Map<Section, number>();
  readonly #lines = new Map<string, Unit[]>();
  readonly #snapshots = new Map<number, number>();
  readonly #taken: { readonly unit: Unit; readonly cost: number }[] = [];
  readonly #snapshotId: string;
  readonly #earlier: readonly string[];
  readonly #layout: Layout;
  readonly #tokenizer: Tokenizer;

  constructor(snapshotId: string, earlier: readonly string[], layout: Layout, tokenizer: Tokenizer) {
    this.#snapshotId = snapshotId;
    this.#earlier = earlier;
    this.#layout = layout;
    this.#tokenizer = tokenizer;
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
    const key = lineKey(unit);
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [unit]);
    else line.push(unit);
    for (const snapshot of snapshotsOf(unit)) this.#snapshots.set(snapshot, (this.#snapshots.get(snapshot) ?? 0) + 1);
    this.spentOn.set(unit.section, (this.spentOn.get(unit.section) ?? 0) + cost);
    this.spent += cost;
    this.#taken.push({ unit, cost });
  }

  /** Gives back the unit taken last. */
  dropLast(): void {
    const last = this.#taken.pop();
    if (last === undefined) return;
    const { unit, cost } = last;
    const key = lineKey(unit);
    const line = this.#lines.get(key);
    line?.pop();
    if (line?.length === 0) this.#lines.delete(key);
    for (const snapshot of snapshotsOf(unit)) {
      const uses = (this.#snapshots.get(snapshot) ?? 0) - 1;
      if (uses > 0) this.#snapshots.set(snapshot, uses);
      else this.#snapshots.delete(snapshot);
    }
    this.spentOn.set(unit.section, (this.spentOn.get(unit.section) ?? 0) - cost);
    this.spent -= cost;
  }

  /** Writes the whole. */
  async render(pacer: Pacer): Promise<string> {
    const head = this.#layout.head(this.#snapshotId, this.#aliases());
    return (await renderSummary(head, this.#lines.values(), this.#layout, pacer)).trimEnd();
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
