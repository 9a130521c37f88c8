import { sentences } from '../text/sentences.ts';
import type { Candidate, CandidateList, Passage, Ref, Section } from './candidates.ts';
import { prosePassage } from './passages.ts';
import { factKey } from './sentence-features.ts';
import { GAP, type LabelledLine, oneLine, REPLACED, type ReadSummary, readSummary } from './summary-format.ts';

/** Weight of what an earlier summary holds: it was chosen once already. */
const KEPT_BEFORE = 1.5;
const REPLACED_WEIGHT = 0.1;
const MEMBER = /^([^:]{1,80}): (.*)$/s;

type Line = ReadSummary['lines'][number];

/** Takes earlier summaries apart again, so that their lines compete with the rest and keep their references. */
export class EarlierSummaries {
  /** Ids of the snapshots that lines refer to, oldest first. */
  readonly snapshots: string[] = [];
  readonly #list: CandidateList;
  readonly #maxNames: number;
  readonly #requests: Candidate[][] = [];
  #summary: ReadSummary | undefined;

  /**
   * At most `maxNames` snapshots are named; lines of older ones refer to the summary that holds them, which names
   * theirs.
   */
  constructor(list: CandidateList, maxNames: number) {
    this.#list = list;
    this.#maxNames = maxNames;
  }

  /** Whether `content` is a summary with lines to take over; then `read` takes them. */
  open(content: string): boolean {
    this.#summary = readSummary(content);
    return this.#summary.lines.length > 0;
  }

  /** Adds the lines of the opened summary, which is itself message `own` of the window; stops after every line. */
  *read(own: Ref): Generator<void> {
    const summary = this.#summary;
    if (summary === undefined) return;
    const ids = [...summary.aliases.values(), summary.snapshotId ?? ''].filter((id) => id !== '');
    for (const id of ids.slice(-this.#maxNames)) if (!this.snapshots.includes(id)) this.snapshots.push(id);
    for (const line of summary.lines) {
      const ref = this.#resolve(line.letters, line.place, own);
      const until = line.until && this.#resolve(line.until.letters, line.until.place, own);
      const candidates = this.#addLine(line, ref, until);
      if (line.section === 'task') this.#requests.push(candidates);
      yield;
    }
  }

  /** The first and the latest request, given those of the messages that came after the earlier summaries. */
  requests(first: readonly Candidate[], latest: readonly Candidate[]): (readonly Candidate[])[] {
    const [oldest] = this.#requests;
    if (oldest === undefined) return [first, latest];
    const newest = [latest, first, this.#requests.at(-1) ?? []].find((candidates) => candidates.length > 0) ?? [];
    return newest === oldest ? [oldest] : [oldest, newest];
  }

  #addLine(line: Line, ref: Ref, until: Ref | undefined): Candidate[] {
    const replaced = line.note === REPLACED;
    const keepsNote = replaced || line.section === 'logs' || line.note.endsWith('()');
    this.#list.openLine(keepsNote ? line.note : '');
    return passagesOf(line).map((passage) => {
      passage.weight *= replaced ? REPLACED_WEIGHT : KEPT_BEFORE;
      const candidate = this.#list.add(passage, ref, `${ref.snapshot}#${ref.place}`);
      candidate.until = until;
      return candidate;
    });
  }

  #resolve(letters: string, place: number, own: Ref): Ref {
    const id = letters === '' ? this.#summary?.snapshotId : this.#summary?.aliases.get(letters);
    const snapshot = id === undefined ? -1 : this.snapshots.indexOf(id);
    return snapshot === -1 ? own : { snapshot, place };
  }
}

function passagesOf(line: Line): Passage[] {
  const body = oneLine(line.body);
  if (line.section === 'logs') return [plainPassage('logs', body)];
  const members = line.section === 'facts' || line.note.endsWith('()') ? body.split('; ') : [];
  if (members.length > 0 && members.every((member) => MEMBER.test(member))) return members.map(memberPassage);
  return body.split(GAP).flatMap((part) =>
    sentences(part).map(({ start, end }) => {
      const passage = prosePassage(part.slice(start, end), 'assistant');
      return { ...passage, section: sectionAgain(line, passage.section), asks: false };
    }),
  );
}

/** A line stays in its section, but what was recent no longer is, and a request may be done. */
function sectionAgain(line: LabelledLine & { section: Section }, natural: Section): Section {
  return line.section === 'recent' || line.section === 'task' ? natural : line.section;
}

function memberPassage(text: string): Passage {
  const [, name = '', value = ''] = MEMBER.exec(text) ?? [];
  const key = factKey(name);
  return { ...plainPassage('facts', text), facts: [{ key, name: key, value }], salience: 1, joint: '; ' };
}

function plainPassage(section: Section, text: string): Passage {
  return { section, text, weight: 1, facts: [], salience: 0, asks: false, joint: ' ', log: false };
}
