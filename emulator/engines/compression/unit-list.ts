import type { Draft, Ref, Unit } from './unit.ts';

/** Longer stretches of one message are told on several lines. */
const LINE_CHARS = 1_500;

/** The units of a window in order. A piece that is told twice in the same words stands where it was told last. */
export class UnitList {
  readonly units: Unit[] = [];
  readonly #byText = new Map<string, Unit>();
  #line = 0;
  #lineChars = 0;
  #position = 0;
  #note = '';

  /** Begins a line: what follows belongs together and is labelled with `note`. */
  openLine(note = ''): void {
    this.#line++;
    this.#lineChars = 0;
    this.#position = 0;
    this.#note = note;
  }

  /**
   * Adds a piece of message `ref`. Pieces of the same words replace each other when their `identity` is the same too;
   * an undefined identity keeps the piece whatever else is told.
   */
  add(draft: Draft, ref: Ref, identity: string | undefined, leader?: Unit): Unit {
    if (draft.log || this.#lineChars > LINE_CHARS) this.openLine(this.#note);
    this.#lineChars += draft.text.length;
    // Spelled out: copying by spread takes several times as long, and there are a hundred thousand units.
    const unit: Unit = {
      section: draft.section,
      text: draft.text,
      weight: draft.weight,
      facts: draft.facts,
      news: draft.news,
      asks: draft.asks,
      joint: draft.joint,
      log: draft.log,
      order: this.units.length,
      ref,
      until: undefined,
      note: this.#note,
      line: this.#line,
      position: this.#position++,
      leader,
    };
    if (identity !== undefined && !draft.log) this.#replaceTwin(unit, identity);
    this.units.push(unit);
    return unit;
  }

  #replaceTwin(unit: Unit, identity: string): void {
    const key = identity === '' ? unit.text : `${identity}\n${unit.text}`;
    const twin = this.#byText.get(key);
    if (twin !== undefined) twin.weight = 0;
    this.#byText.set(key, unit);
  }
}
