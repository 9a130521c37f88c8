/** The sections of a summary, in reading order. */
export const SECTIONS = [
  'task',
  'constraints',
  'decisions',
  'facts',
  'files',
  'errors',
  'logs',
  'open',
  'recent',
  'notes',
] as const;

export type Section = (typeof SECTIONS)[number];

interface SectionRule {
  /** Below 16: see `lineKey`. */
  readonly number: number;
  /** Heading of the `outline` and `text` formats. */
  readonly title: string;
  /** Share of the budget the section may take while others still want room. */
  readonly share: number;
  /** Factor on the score of its candidates. */
  readonly weight: number;
}

/** Shares add up to more than one: what a short section leaves goes to the others. */
export const SECTION_RULES: Readonly<Record<Section, SectionRule>> = {
  task: { number: 0, title: 'Task', share: 0.12, weight: 2 },
  constraints: { number: 1, title: 'Constraints', share: 0.2, weight: 1.5 },
  decisions: { number: 2, title: 'Decisions', share: 0.15, weight: 1.4 },
  facts: { number: 3, title: 'Facts', share: 0.6, weight: 1.2 },
  files: { number: 4, title: 'Files and declarations', share: 0.35, weight: 1 },
  errors: { number: 5, title: 'Errors', share: 0.2, weight: 1.7 },
  logs: { number: 6, title: 'Log templates', share: 0.2, weight: 1.2 },
  open: { number: 7, title: 'Open questions', share: 0.1, weight: 1.5 },
  recent: { number: 8, title: 'Recent turns', share: 0.1, weight: 1 },
  notes: { number: 9, title: 'Notes', share: 0.5, weight: 1 },
};

/** A message: `place` (1-based) in the snapshot that is summarised, or in an earlier one. */
export interface Ref {
  /** Index into the list of earlier snapshots; -1 is the snapshot summarised now. */
  readonly snapshot: number;
  readonly place: number;
}

/** A value that a text gives for a key. */
export interface KeyValue {
  /** Equal keys speak of the same thing: a normalised name, with the thing it belongs to where that is known. */
  readonly key: string;
  /** The name alone. */
  readonly name: string;
  readonly value: string;
}

/**
 * What stands between a piece and the one before it in its text: a space within a line, `; ` between members, a line break,
 * or the mark that leads from the name of a list item to what is said of it.
 */
export type Joint = ' ' | '; ' | '\n' | ': ' | ' - ' | ' – ' | ' — ';

/** A piece of text that a summary quotes whole or not at all, with its features. */
export interface Passage {
  section: Section;
  /** One line of quoted text, escaped by `quote`. */
  text: string;
  /** Factor on its score, 1 for an ordinary piece. */
  weight: number;
  facts: readonly KeyValue[];
  /** Information beyond its words, 0 … 1: a fact joins a name and a value, and that is new even if both words are not. */
  salience: number;
  /** A question that may need an answer. */
  asks: boolean;
  joint: Joint;
  /** Of a text that was handed over rather than said: its names recur, where a turn says again what was said. */
  document: boolean;
  /** It names what the next pieces of its list item speak of. */
  leads: boolean;
  /** The name of a list item, or an item that is no more than a name. */
  names: boolean;
  /** A line of a log: has a line of its own, and may collapse into a template. */
  log: boolean;
}

/** A passage without features. */
export function plainPassage(section: Section, text: string): Passage {
  return {
    section,
    text,
    weight: 1,
    facts: [],
    salience: 0,
    asks: false,
    joint: ' ',
    document: false,
    leads: false,
    names: false,
    log: false,
  };
}

/** A passage at its place in the conversation, which competes with all others for the budget. */
export interface Candidate extends Passage {
  /** Its place among all candidates, in the order of the conversation. */
  readonly order: number;
  ref: Ref;
  /** The last message it stands for, where it stands for several. */
  until: Ref | undefined;
  /** Who said it: `user`, `assistant`, `system`, `tool`, a call, or the call that it answers. */
  readonly speaker: string;
  /** Ours, never quoted text: how often a line occurred, or that it was replaced. */
  note: string;
  /** Candidates of one line number and section share a line. */
  line: number;
  /** The candidate without which this one says little: the id of its record. Added along with it. */
  leader: Candidate | undefined;
  /** Position among the candidates of its line: a hole between neighbours is marked. */
  position: number;
}

/** Equal for candidates that share a line. */
export const lineKey = (candidate: Candidate): number => candidate.line * 16 + SECTION_RULES[candidate.section].number;

/** The earlier snapshots that a candidate's references need named. */
export function snapshotsOf({ ref, until }: Candidate): readonly number[] {
  if (ref.snapshot === -1 && (until === undefined || until.snapshot === -1)) return NONE;
  const all = until === undefined || until.snapshot === ref.snapshot ? [ref.snapshot] : [ref.snapshot, until.snapshot];
  return all.filter((snapshot) => snapshot !== -1);
}

const NONE: readonly number[] = [];

/** Longer stretches of one message take several lines. */
const LINE_CHARS = 1_500;

/** The candidates of a window in order. Of two with the same words only the later one counts. */
export class CandidateList {
  readonly candidates: Candidate[] = [];
  readonly #byText = new Map<string, Candidate>();
  #line = 0;
  #lineChars = 0;
  #position = 0;
  #speaker = '';
  #note = '';

  /** Begins a line: what follows belongs together and is labelled with who said it, and `note`. */
  openLine(speaker: string, note = ''): void {
    this.#line++;
    this.#lineChars = 0;
    this.#position = 0;
    this.#speaker = speaker;
    this.#note = note;
  }

  /**
   * Adds a passage of message `ref`. It replaces one with the same words if their `identity` is the same too;
   * with an undefined identity both stay.
   */
  add(passage: Passage, ref: Ref, identity: string | undefined, leader?: Candidate): Candidate {
    if (passage.log || this.#lineChars > LINE_CHARS) this.openLine(this.#speaker, this.#note);
    this.#lineChars += passage.text.length;
    // Spelled out: copying by spread takes several times as long, and there are a hundred thousand candidates.
    const candidate: Candidate = {
      section: passage.section,
      text: passage.text,
      weight: passage.weight,
      facts: passage.facts,
      salience: passage.salience,
      asks: passage.asks,
      joint: passage.joint,
      log: passage.log,
      document: passage.document,
      leads: passage.leads,
      names: passage.names,
      order: this.candidates.length,
      ref,
      until: undefined,
      speaker: this.#speaker,
      note: this.#note,
      line: this.#line,
      position: this.#position++,
      leader,
    };
    if (identity !== undefined && !passage.log) this.#replaceTwin(candidate, identity);
    this.candidates.push(candidate);
    return candidate;
  }

  #replaceTwin(candidate: Candidate, identity: string): void {
    const key = identity === '' ? candidate.text : `${identity}\n${candidate.text}`;
    const twin = this.#byText.get(key);
    if (twin !== undefined) twin.weight = 0;
    this.#byText.set(key, candidate);
  }
}
