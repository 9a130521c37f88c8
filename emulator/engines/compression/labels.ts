import type { Ref } from './unit.ts';

/** The beginning of a summary's line: ours up to and including the reference, quoted text after it. */
export interface Label {
  readonly note: string;
  readonly ref: Ref;
  readonly until: Ref | undefined;
}

/** A line of an earlier summary; letters name a snapshot, none the one that it summarised. */
export interface LabelledLine {
  readonly note: string;
  readonly letters: string;
  readonly place: number;
  readonly until: { readonly letters: string; readonly place: number } | undefined;
  readonly body: string;
}

/** Marks a value that a later message replaced. */
export const REPLACED = 'was';
/** Between units of a line where something between them was left out. */
export const GAP = ' … ';

const LINE = /^(?:([^#]{1,120}?) )??([a-z]*)#(\d{1,9})(?:-([a-z]*)#(\d{1,9}))? (.+)$/s;
const NOTE = /^(?:user|assistant|system|tool|was|[\w-]{1,64}\(\)|×\d+(?: [\dT:.,+Z/-]+…[\dT:.,+Z/-]+)?)$/;

/** `a` … `z`, `aa`, …: the letters of an earlier snapshot, oldest first; none for the snapshot summarised now. */
export function letters(snapshot: number): string {
  let rest = snapshot;
  let name = '';
  while (rest >= 0) {
    name = String.fromCharCode(97 + (rest % 26)) + name;
    rest = Math.floor(rest / 26) - 1;
  }
  return name;
}

export function labelText({ note, ref, until }: Label): string {
  const to = until === undefined ? '' : `-${refText(until)}`;
  return `${note === '' ? '' : `${note} `}${refText(ref)}${to} `;
}

/** A note that a line's label may carry: anything else could be mistaken for quoted text, or the other way round. */
export const isNote = (note: string): boolean => NOTE.test(note);

export function readLine(line: string): LabelledLine | undefined {
  const [, note = '', from = '', place, lastFrom = '', lastPlace, body = ''] = LINE.exec(line) ?? [];
  if (place === undefined || (note !== '' && !isNote(note))) return undefined;
  const until = lastPlace === undefined ? undefined : { letters: lastFrom, place: Number(lastPlace) };
  return { note, letters: from, place: Number(place), until, body };
}

const refText = ({ snapshot, place }: Ref): string => `${letters(snapshot)}#${place}`;
