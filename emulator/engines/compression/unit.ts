import { SECTION_RULES, type Section } from './sections.ts';

/** A message: `place` (1-based) in the snapshot that is summarised, or in an earlier one. */
export interface Ref {
  /** Index into the list of earlier snapshots; -1 is the snapshot summarised now. */
  readonly snapshot: number;
  readonly place: number;
}

/** A value that a text gives for a key. */
export interface Fact {
  /** Equal keys speak of the same thing: a normalised name, with the thing it belongs to where that is known. */
  readonly key: string;
  /** The name alone. */
  readonly plain: string;
  readonly value: string;
}

/** A piece of text that is kept or dropped whole, before it is known who said it, and where. */
export interface Draft {
  section: Section;
  /** One line of quoted text, already neutral (see `quote.ts`). */
  text: string;
  /** Factor on its worth, 1 for an ordinary piece. */
  weight: number;
  facts: readonly Fact[];
  /**
   * What it tells beyond its words, 0 … 1: a fact joins a name and a value, and that is news even where both were told
   * before.
   */
  news: number;
  /** A question that somebody may owe an answer to. */
  asks: boolean;
  /** Between this piece and the one before it on its line. */
  joint: ' ' | '; ';
  /** A line of a log: stands on a line of its own, and may collapse into a template. */
  log: boolean;
}

/** The smallest piece that is kept or dropped whole. */
export interface Unit extends Draft {
  /** Its place among all units, which stand in the order of the conversation. */
  readonly order: number;
  ref: Ref;
  /** The last message it stands for, where it stands for several. */
  until: Ref | undefined;
  /** Ours, never quoted text: who spoke, which function was called, how often a line occurred. */
  note: string;
  /** Units of one line number and section share a line. */
  line: number;
  /** The unit without which this one says little: the id of its record. Taken along with it. */
  leader: Unit | undefined;
  /** Position among the units of its line: a hole between neighbours is marked. */
  position: number;
}

/** Equal for units that share a line. */
export const lineKey = (unit: Unit): number => unit.line * 16 + SECTION_RULES[unit.section].number;

/** The earlier snapshots that a unit's references need named. */
export function snapshotsOf({ ref, until }: Unit): readonly number[] {
  if (ref.snapshot === -1 && (until === undefined || until.snapshot === -1)) return NONE;
  const all = until === undefined || until.snapshot === ref.snapshot ? [ref.snapshot] : [ref.snapshot, until.snapshot];
  return all.filter((snapshot) => snapshot !== -1);
}

const NONE: readonly number[] = [];
